import { CoppiceError } from '@coppice/base';
import { findInTree, type Repo, type TreeEntry } from '@coppice/ostree';

/**
 * The components of a path inside a commit as `OstreeRepoFile` takes it apart: one slash at its start is dropped, several
 * slashes later begin again at the root, and `.`, `..` and the empty name behind a last slash are names like others, which no
 * tree has.
 */
export function pathParts(path: string): string[] {
  let out: string[] = [];
  let rest = path;
  if (rest.startsWith('/')) {
    rest = rest.slice(1);
    if (rest === '') return out;
  }
  for (;;) {
    const slash = rest.indexOf('/');
    out.push(slash < 0 ? rest : rest.slice(0, slash));
    if (slash < 0) return out;
    rest = rest.slice(slash + 1);
    if (!rest.startsWith('/')) continue;
    out = [];
    rest = rest.replace(/^\/+/, '');
    if (rest === '') return out;
  }
}

/** What lies at `path` of a commit. Throws `NotFound` in the original's words; links are not followed. */
export function findPath(repo: Repo, commit: string, path: string): TreeEntry {
  const parts = pathParts(path);
  const upTo = (count: number): string => `/${parts.slice(0, count).join('/')}`;
  const odd = parts.findIndex((part) => part === '' || part === '.' || part === '..');
  if (odd < 0) {
    const entry = findInTree(repo, commit, upTo(parts.length));
    if (entry !== undefined) return entry;
  }
  for (let i = 1; i < parts.length; i++) {
    if (i > odd && odd >= 0) break;
    if (findInTree(repo, commit, upTo(i))?.type === 'file') throw new CoppiceError('NotFound', 'Not a directory');
  }
  const missing = parts.findIndex((_, i) => i === odd || findInTree(repo, commit, upTo(i + 1)) === undefined);
  throw new CoppiceError('NotFound', `No such file or directory: ${upTo(missing + 1)}`);
}
