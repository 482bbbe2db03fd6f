import type { FileSystem } from '@coppice/base/fs';

/** Makes or atomically replaces a symbolic link through `PATH.tmp`. */
export function replaceLink(fs: FileSystem, target: string, path: string): void {
  const temporary = `${path}.tmp`;
  if (fs.lstat(temporary) !== undefined) fs.unlink(temporary);
  fs.symlink(target, temporary);
  fs.rename(temporary, path);
}

/** Makes a directory and its missing parents with `mode` less the umask. */
export function makeDirectories(fs: FileSystem, path: string, mode: number): void {
  if (fs.stat(path) !== undefined) return;
  const slash = path.lastIndexOf('/');
  if (slash > 0) makeDirectories(fs, path.slice(0, slash), mode);
  try {
    fs.mkdir(path, mode);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error;
  }
}
