import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError, errnoError, isCoppiceError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import { type RpmPackage, readPackage } from '@coppice/rpm';
import type { Context } from '../../cli/context.ts';

/** Reads a package that was named on the command line; errors name it as it was named there. */
export function readNamedPackage(context: Context, name: string): RpmPackage {
  return underName(context, name, () => readPackage(resolve(context.cwd, name)));
}

/** Does something with the file; errors name it as it was named. */
export function underName<T>(context: Context, name: string, work: () => T): T {
  const path = resolve(context.cwd, name);
  try {
    return work();
  } catch (error) {
    if (!isCoppiceError(error)) throw errnoError(error, name);
    if (error.kind === 'bug' || path === name) throw error;
    throw new CoppiceError(error.code, error.message.replaceAll(path, name));
  }
}

/** The names, with the files that they fit in place of patterns: rpm expands those that the shell left alone. */
export function packageNames(context: Context, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    if (!/[*?[]/.test(name) || hostFs.lstat(resolve(context.cwd, name)) !== undefined) return [name];
    const found = globSync(name, { cwd: context.cwd }).sort();
    return found.length === 0 ? [name] : found;
  });
}
