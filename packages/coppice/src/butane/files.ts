import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { type FileResolver, LocalFileFault, type TreeEntry } from '@coppice/butane';
import { goPathError } from './go-error.ts';

/**
 * Local files below `dir` as the original finds them: paths are joined as text and must stay inside as text; symbolic links
 * are followed. `cwd` is what relative paths start from; messages show the joined path.
 */
export function directoryFiles(dir: string, cwd: string): FileResolver {
  const base = resolve(cwd, dir);
  const place = (path: string): string | LocalFileFault => {
    const joined = join(dir, path).replace(/(.)\/$/, '$1');
    const absolute = resolve(cwd, joined);
    const inside = absolute === base || absolute.startsWith(base + sep) || base === sep;
    return inside ? joined : new LocalFileFault('files-dir-escape');
  };
  const fault = (operation: string, path: string, error: unknown): LocalFileFault =>
    new LocalFileFault('file-error', goPathError(operation, path, error));
  const read = (path: string): Uint8Array | LocalFileFault => {
    try {
      return readFileSync(resolve(cwd, path));
    } catch (error) {
      return fault('open', path, error);
    }
  };
  return {
    readFile(path) {
      const found = place(path);
      return found instanceof LocalFileFault ? found : read(found);
    },
    listTree(path) {
      const found = place(path);
      if (found instanceof LocalFileFault) return found;
      try {
        if (!statSync(resolve(cwd, found)).isDirectory()) return new LocalFileFault('tree-not-directory');
      } catch (error) {
        return fault('stat', found, error);
      }
      const entries: TreeEntry[] = [];
      walk(found, '.', entries, cwd);
      return entries;
    },
    readTreeFile(path, entry) {
      const found = place(path);
      return found instanceof LocalFileFault ? found : read(join(found, entry.path));
    },
  };
}

/** Entries below `root`, a directory before what it holds, names in byte order. Unreadable places are entries with the error. */
function walk(root: string, path: string, out: TreeEntry[], cwd: string): void {
  const shown = join(root, path);
  const full = resolve(cwd, shown);
  let stat: ReturnType<typeof lstatSync>;
  try {
    stat = lstatSync(full);
  } catch (error) {
    out.push({ path, type: 'other', mode: 0, target: goPathError('lstat', shown, error) });
    return;
  }
  const mode = stat.mode & 0o777;
  if (stat.isSymbolicLink()) {
    out.push({ path, type: 'link', mode, target: readlinkSync(full) });
  } else if (stat.isFile()) out.push({ path, type: 'file', mode });
  else if (stat.isDirectory()) {
    out.push({ path, type: 'directory', mode });
    let names: Buffer[];
    try {
      names = readdirSync(full, { encoding: 'buffer' });
    } catch (error) {
      out.push({ path, type: 'other', mode, target: goPathError('open', shown, error) });
      return;
    }
    names.sort(Buffer.compare);
    for (const name of names) walk(root, path === '.' ? name.toString() : `${path}/${name.toString()}`, out, cwd);
  } else out.push({ path, type: 'other', mode });
}
