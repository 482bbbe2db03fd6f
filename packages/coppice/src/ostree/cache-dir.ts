import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { errnoError } from '@coppice/base';
import type { Context } from '../cli/context.ts';

/** The folder that `--cache-dir` names. It is not made: throws `NotFound` and the like in the original's words. */
export function existingCacheDir(context: Context, dir: string): string {
  const path = resolve(context.cwd, dir);
  try {
    if (!statSync(path).isDirectory()) throw Object.assign(new Error(path), { code: 'ENOTDIR' });
  } catch (error) {
    throw errnoError(error, `opendir(${dir})`);
  }
  return path;
}
