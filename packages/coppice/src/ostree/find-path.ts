import { CoppiceError } from '@coppice/base';
import { findInTree, type Repo, type TreeEntry } from '@coppice/ostree';

/** The components of a path inside a commit; `.` is dropped, `..` goes up as GFile resolves it. */
export function pathParts(path: string): string[] {
  const out: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') out.pop();
    else if (part !== '' && part !== '.') out.push(part);
  }
  return out;
}

/** What lies at `path` of a commit. Throws `NotFound` in the original's words; links are not followed. */
export function findPath(repo: Repo, commit: string, path: string): TreeEntry {
  const parts = pathParts(path);
  const whole = `/${parts.join('/')}`;
  const entry = findInTree(repo, commit, whole);
  if (entry !== undefined) return entry;
  for (let i = 1; i < parts.length; i++) {
    if (findInTree(repo, commit, `/${parts.slice(0, i).join('/')}`)?.type === 'file')
      throw new CoppiceError('NotFound', 'Not a directory');
  }
  throw new CoppiceError('NotFound', `No such file or directory: ${whole}`);
}
