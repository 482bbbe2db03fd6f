import { CoppiceError } from '@coppice/base';
import type { DirMeta } from './codec/dirmeta.ts';
import { isRegular } from './codec/mode-bits.ts';
import type { Repo } from './repo.ts';
import type { LoadedFile } from './store/load-file.ts';

/** One thing in a tree. `load` reads its header from the store only when asked. */
export type TreeEntry =
  | {
      readonly type: 'file';
      /** Absolute, inside the tree. */
      readonly path: string;
      readonly checksum: string;
      /** Header and size; symbolic links are files too. */
      load(): Pick<LoadedFile, 'header' | 'inode' | 'size'>;
    }
  | {
      readonly type: 'directory';
      readonly path: string;
      /** dirtree checksum */
      readonly checksum: string;
      /** dirmeta checksum */
      readonly meta: string;
      load(): DirMeta;
    };

/** Directories nest at most this deep (the stack has room for little more); a store with more is damaged or hostile. */
export const maxTreeDepth = 2000;

function pathParts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** What lies at an absolute path of a commit, links not followed; undefined when nothing does. */
export function findInTree(repo: Repo, commit: string, path: string): TreeEntry | undefined {
  const { tree, meta } = repo.loadCommit(commit);
  let at = { tree, meta };
  const parts = pathParts(path);
  for (let i = 0; i < parts.length; i++) {
    const { files, dirs } = repo.loadDirTree(at.tree);
    const name = parts[i]!;
    const dir = dirs.find((d) => d.name === name);
    if (dir !== undefined) {
      at = dir;
      continue;
    }
    const file = files.find((f) => f.name === name);
    if (file === undefined || i !== parts.length - 1) return undefined;
    return fileEntry(repo, `/${parts.join('/')}`, file.checksum);
  }
  return dirEntry(repo, `/${parts.join('/')}`, at.tree, at.meta);
}

function fileEntry(repo: Repo, path: string, checksum: string): TreeEntry {
  return { type: 'file', path, checksum, load: () => repo.loadFile(checksum) };
}

function dirEntry(repo: Repo, path: string, tree: string, meta: string): TreeEntry {
  return { type: 'directory', path, checksum: tree, meta, load: () => repo.loadDirMeta(meta) };
}

/** See `Repo.readTree`. Throws `NotFound` for a path that is not there. */
export function* readTree(repo: Repo, commit: string, path: string): Generator<TreeEntry, void, undefined> {
  const entry = findInTree(repo, commit, path);
  if (entry === undefined) throw new CoppiceError('NotFound', `No such file or directory: ${path}`);
  yield entry;
  if (entry.type === 'directory') yield* below(repo, entry.path === '/' ? '' : entry.path, entry.checksum, 0);
}

function* below(repo: Repo, lead: string, tree: string, depth: number): Generator<TreeEntry, void, undefined> {
  if (depth > maxTreeDepth) throw new CoppiceError('Limit', `Tree deeper than ${maxTreeDepth} directories`);
  const { files, dirs } = repo.loadDirTree(tree);
  for (const { name, checksum } of files) yield fileEntry(repo, `${lead}/${name}`, checksum);
  for (const dir of dirs) {
    yield dirEntry(repo, `${lead}/${dir.name}`, dir.tree, dir.meta);
    yield* below(repo, `${lead}/${dir.name}`, dir.tree, depth + 1);
  }
}

/** See `Repo.readFileBytes`. */
export function readFileBytes(repo: Repo, commit: string, path: string): Buffer | undefined {
  const entry = findInTree(repo, commit, path);
  if (entry === undefined || entry.type !== 'file') return undefined;
  const file = repo.loadFile(entry.checksum);
  if (!isRegular(file.header.mode)) return undefined;
  return Buffer.concat(Array.from(file.read(), (piece) => Buffer.from(piece)));
}
