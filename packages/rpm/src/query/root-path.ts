// Paths below a root as a process sees them that has changed its root there.
import type { FileSystem } from '@coppice/base/fs';

const typeMask = 0o170000;
const symlink = 0o120000;
const linkLimit = 40;

/**
 * Where `path` (absolute, as seen inside) really is below `root`: links on the way are followed inside the root, the last
 * one is not. Absolute, without the root. `undefined` when links go round. What is not there is taken as it stands.
 */
export function pathInRoot(fs: FileSystem, root: string, path: string): string | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const real: string[] = [];
  let left = linkLimit;
  while (parts.length > 0) {
    const part = parts.shift()!;
    if (part === '.') continue;
    if (part === '..') {
      real.pop();
      continue;
    }
    real.push(part);
    if (parts.length === 0) break;
    const here = `${root}/${real.join('/')}`;
    const stat = fs.lstat(here);
    if (stat === undefined || (stat.mode & typeMask) !== symlink) continue;
    if (left-- === 0) return undefined;
    const target = fs.readlink(here);
    real.pop();
    if (target.startsWith('/')) real.length = 0;
    parts.unshift(...target.split('/').filter((piece) => piece !== ''));
  }
  return `/${real.join('/')}`;
}

/** As `pathInRoot`, with the last link followed too. */
export const realPathInRoot = (fs: FileSystem, root: string, path: string): string | undefined =>
  pathInRoot(fs, root, `${path}/.`);
