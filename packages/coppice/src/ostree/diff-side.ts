import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError, strerror } from '@coppice/base';
import { type FileChecksumOptions, fileChecksum, type Repo } from '@coppice/ostree';

/** One thing on a side of a comparison. */
export interface DiffEntry {
  readonly name: string;
  readonly kind: 'directory' | 'regular' | 'symlink' | 'other';
  /** As it is printed: absolute in a commit, relative to the start on disk. */
  readonly shown: string;
  /** Checksum as an object; of a directory that of its metadata. */
  checksum(): string;
  /** Of a directory in a commit: checksum of all that is below. */
  readonly tree?: string;
  children(): DiffEntry[];
}

/** The tree of a commit. */
export function commitSide(repo: Repo, commit: string): DiffEntry {
  const { tree, meta } = repo.loadCommit(commit);
  return folder(repo, '', '', tree, meta);
}

function folder(repo: Repo, name: string, path: string, tree: string, meta: string): DiffEntry {
  return {
    name,
    kind: 'directory',
    shown: path,
    checksum: () => meta,
    tree,
    children() {
      const { files, dirs } = repo.loadDirTree(tree);
      return [
        ...files.map((file): DiffEntry => {
          const link = (): boolean => (repo.loadFile(file.checksum).header.mode & 0o170000) === 0o120000;
          return {
            name: file.name,
            get kind() {
              return link() ? 'symlink' : 'regular';
            },
            shown: `${path}/${file.name}`,
            checksum: () => file.checksum,
            children: () => [],
          };
        }),
        ...dirs.map((dir) => folder(repo, dir.name, `${path}/${dir.name}`, dir.tree, dir.meta)),
      ];
    },
  };
}

/** A directory on disk. */
export function diskSide(root: string, options: FileChecksumOptions): DiffEntry {
  if (lstatSync(root, { throwIfNoEntry: false }) === undefined) {
    throw new CoppiceError('NotFound', `Error when getting information for file “${root}”: ${strerror('ENOENT')}`);
  }
  return onDisk(root, '', '', options);
}

function onDisk(path: string, name: string, shown: string, options: FileChecksumOptions): DiffEntry {
  const stat = lstatSync(path);
  return {
    name,
    kind: stat.isDirectory() ? 'directory' : stat.isFile() ? 'regular' : stat.isSymbolicLink() ? 'symlink' : 'other',
    shown,
    checksum: () => fileChecksum(path, options),
    children() {
      // GIO lists a local directory by inode.
      const entries = readdirSync(path).map((child) => ({ child, ino: lstatSync(join(path, child)).ino }));
      entries.sort((a, b) => a.ino - b.ino);
      return entries.map(({ child }) =>
        onDisk(join(path, child), child, shown === '' ? child : `${shown}/${child}`, options),
      );
    },
  };
}
