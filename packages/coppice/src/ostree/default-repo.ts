import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Context } from '../cli/context.ts';

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The repository when no `--repo` is given: the current directory if it looks like one, $OSTREE_REPO, the system's. */
export function defaultRepoPath(context: Context): string {
  const { cwd, env } = context;
  if (exists(join(cwd, 'objects')) && exists(join(cwd, 'config'))) return cwd;
  const repo = env['OSTREE_REPO'];
  if (repo !== undefined) return resolve(cwd, repo);
  return join(resolve(cwd, env['OSTREE_SYSROOT'] ?? '/'), 'ostree/repo');
}
