import { readFileSync } from 'node:fs';
import { applyIgnition } from '@coppice/ignition-apply';
import { hostFs } from '@coppice/linux';
import type { Context } from '../../cli/context.ts';

/**
 * The first boot, inside the instance: carries out the Ignition config at `path` on `/`. With one user id only (`owners`
 * false), owners stay what they are: there is no other id to give a file to.
 */
export async function firstBoot(context: Context, path: string, options: { readonly owners: boolean }): Promise<void> {
  const fs = options.owners ? hostFs : { ...hostFs, lchown() {}, fchown() {} };
  const report = await applyIgnition('/', readFileSync(path), { fs });
  for (const warning of report.warnings) context.stderr.write(`${warning}\n`);
}
