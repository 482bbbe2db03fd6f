import { readFileSync } from 'node:fs';
import { applyIgnition } from '@coppice/ignition-apply';
import { hostFs } from '@coppice/linux';
import { createTmpfiles, presetAll } from '@coppice/systemd/tree';
import type { Context } from '../../cli/context.ts';

/**
 * The file-system part of a boot, inside the instance: tmpfiles.d for /var; on the first boot the Ignition config on `/` and
 * the presets. With one user id only (`owners` false) owners stay what they are: there is no other id to give a file to.
 */
export async function startUp(
  context: Context,
  options: { readonly firstBoot?: string; readonly owners: boolean },
): Promise<void> {
  const readFile = (path: string): Uint8Array => readFileSync(path);
  createTmpfiles('/', { fs: hostFs, readFile, prefixes: ['/var'], owners: options.owners });
  if (options.firstBoot === undefined) return;
  const report = await applyIgnition('/', readFile(options.firstBoot), { fs: hostFs, owners: options.owners });
  for (const warning of report.warnings) context.stderr.write(`${warning}\n`);
  presetAll('/', { fs: hostFs, readFile });
}
