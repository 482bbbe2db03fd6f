import type { FileSystem } from '@coppice/base/fs';
import { isDirectory, isSymlink } from './codec/mode-bits.ts';

/**
 * Whether the symbolic link at `path`, itself below `root`, leads to a directory without ever leaving `root`. Absolute
 * targets leave it.
 */
export function staysBelow(fs: FileSystem, root: string, path: string): boolean {
  const todo = path
    .slice(root.length)
    .split('/')
    .filter((part) => part !== '');
  const at: string[] = [];
  let links = 0;
  while (todo.length > 0) {
    const part = todo.shift()!;
    if (part === '.' || part === '') continue;
    if (part === '..') {
      if (at.pop() === undefined) return false;
      continue;
    }
    const here = `${root}/${[...at, part].join('/')}`;
    const stat = fs.lstat(here);
    if (stat === undefined) return false;
    if (isSymlink(stat.mode)) {
      const target = fs.readlink(here);
      if (target.startsWith('/') || ++links > 40) return false;
      todo.unshift(...target.split('/'));
    } else if (isDirectory(stat.mode)) at.push(part);
    else return false;
  }
  return true;
}
