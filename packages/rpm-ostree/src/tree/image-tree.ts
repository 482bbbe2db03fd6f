// A whole file tree in the making, addressed by path. Content lives in the repository from the start; only directories are
// kept in memory, so that a tree of any size is assembled without checking it out.
import { CoppiceError, checkPathComponent } from '@coppice/base';
import type { DirMeta, FileHeader, Repo, Transaction, Xattr } from '@coppice/ostree';
import { plainDirMeta, TreeDirectory } from './directory.ts';

export const S_IFMT = 0o170000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;
export const S_IFDIR = 0o040000;

export type TreeNode =
  | { readonly type: 'file'; readonly checksum: string }
  | { readonly type: 'directory'; readonly dir: TreeDirectory };

export interface FileAttributes {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly xattrs?: readonly Xattr[];
}

const linkLimit = 40;
const readLimit = 1024 * 1024 * 1024;

/** Components of a path; `.` and empty ones drop out, `..` throws `Invalid`. */
export function pathParts(path: string): string[] {
  const parts = path.split('/').filter((p) => p !== '' && p !== '.');
  for (const part of parts) checkPathComponent(part, 'path');
  return parts;
}

export class ImageTree {
  readonly repo: Repo;
  root: TreeDirectory;
  readonly #headers = new Map<string, { header: FileHeader; size: number }>();

  constructor(repo: Repo, root: TreeDirectory = TreeDirectory.fresh(repo)) {
    this.repo = repo;
    this.root = root;
  }

  static fromCommit(repo: Repo, checksum: string): ImageTree {
    const { tree, meta } = repo.loadCommit(checksum);
    return new ImageTree(repo, TreeDirectory.stored(repo, tree, meta));
  }

  /** What is at `path`; links are not followed, neither on the way nor at the end. */
  lookup(path: string): TreeNode | undefined {
    let dir = this.root;
    const parts = pathParts(path);
    for (let i = 0; i < parts.length; i++) {
      const name = parts[i]!;
      const next = dir.dirs.get(name);
      if (next !== undefined) {
        dir = next;
        continue;
      }
      const checksum = dir.files.get(name);
      return checksum !== undefined && i === parts.length - 1 ? { type: 'file', checksum } : undefined;
    }
    return { type: 'directory', dir };
  }

  /** Header and size of a content object, remembered. */
  header(checksum: string): { readonly header: FileHeader; readonly size: number } {
    let known = this.#headers.get(checksum);
    if (known === undefined) {
      const { header, size } = this.repo.loadFile(checksum);
      known = { header, size };
      this.#headers.set(checksum, known);
    }
    return known;
  }

  /**
   * The path with every link on the way (and, with `last`, at the end) replaced by what it points to inside the tree.
   * Parts that do not exist stay as they are. Throws `Invalid` for a loop.
   */
  resolve(path: string, last = false): string {
    let todo = pathParts(path);
    let done: string[] = [];
    let links = 0;
    while (todo.length > 0) {
      const name = todo.shift()!;
      if (name === '..') {
        done.pop();
        continue;
      }
      const node = todo.length > 0 || last ? this.lookup([...done, name].join('/')) : undefined;
      if (node?.type === 'file') {
        const { header } = this.header(node.checksum);
        if ((header.mode & S_IFMT) === S_IFLNK) {
          links += 1;
          if (links > linkLimit) throw new CoppiceError('Invalid', `Too many levels of symbolic links: ${path}`);
          if (header.symlinkTarget.startsWith('/')) done = [];
          todo = [...header.symlinkTarget.split('/').filter((p) => p !== '' && p !== '.'), ...todo];
          continue;
        }
      }
      done.push(name);
    }
    return done.join('/');
  }

  /** Directory at `path`, made with its missing parents. */
  ensureDir(path: string, meta: DirMeta = plainDirMeta): TreeDirectory {
    let dir = this.root;
    for (const name of pathParts(path)) dir = dir.ensureDir(name, meta);
    return dir;
  }

  /** Sets a file by checksum; missing parents are made. An existing file is replaced, a directory is not. */
  setFile(path: string, checksum: string): void {
    const parts = pathParts(path);
    const name = parts.pop();
    if (name === undefined) throw new CoppiceError('Invalid', 'empty path');
    this.ensureDir(parts.join('/')).setFile(name, checksum);
  }

  remove(path: string): boolean {
    const parts = pathParts(path);
    const name = parts.pop();
    if (name === undefined) return false;
    const parent = this.lookup(parts.join('/'));
    return parent?.type === 'directory' ? parent.dir.remove(name) : false;
  }

  /** Moves a file or directory; false when there is nothing at `from`. What is at `to` is replaced. */
  move(from: string, to: string): boolean {
    const node = this.lookup(from);
    if (node === undefined) return false;
    this.remove(from);
    this.remove(to);
    if (node.type === 'file') this.setFile(to, node.checksum);
    else {
      const parts = pathParts(to);
      const name = parts.pop()!;
      this.ensureDir(parts.join('/')).setDir(name, node.dir);
    }
    return true;
  }

  /** Bytes of a regular file, links not followed; undefined when there is none. Throws `Limit` over 1 GiB. */
  readFile(path: string): Buffer | undefined {
    const node = this.lookup(path);
    if (node?.type !== 'file') return undefined;
    const file = this.repo.loadFile(node.checksum);
    if ((file.header.mode & S_IFMT) !== S_IFREG) return undefined;
    if (file.size > readLimit) throw new CoppiceError('Limit', `${path}: larger than ${readLimit} bytes`);
    return Buffer.concat(Array.from(file.read(), (piece) => Buffer.from(piece)));
  }

  readText(path: string): string | undefined {
    return this.readFile(path)?.toString();
  }

  /** Stores a regular file and puts it at `path`. `mode` holds permission bits (default 0644). */
  writeFile(
    txn: Transaction,
    path: string,
    content: string | Uint8Array | { readonly path: string },
    attributes: FileAttributes = {},
  ): void {
    const header: FileHeader = {
      uid: attributes.uid ?? 0,
      gid: attributes.gid ?? 0,
      mode: S_IFREG | ((attributes.mode ?? 0o644) & 0o7777),
      symlinkTarget: '',
      xattrs: attributes.xattrs ?? [],
    };
    this.setFile(path, txn.writeContent(header, typeof content === 'string' ? Buffer.from(content) : content));
  }

  writeSymlink(txn: Transaction, path: string, target: string, attributes: FileAttributes = {}): void {
    const header: FileHeader = {
      uid: attributes.uid ?? 0,
      gid: attributes.gid ?? 0,
      mode: S_IFLNK | 0o777,
      symlinkTarget: target,
      xattrs: attributes.xattrs ?? [],
    };
    this.setFile(path, txn.writeContent(header, new Uint8Array(0)));
  }

  /** Stores the same content under other attributes; links keep their target. */
  changeAttributes(txn: Transaction, path: string, change: (header: FileHeader) => FileHeader): void {
    const node = this.lookup(path);
    if (node?.type !== 'file') return;
    const file = this.repo.loadFile(node.checksum);
    // A copy of its own: attributes may be behind an accessor, which a spread would lose.
    const { uid, gid, mode, symlinkTarget, xattrs } = file.header;
    this.setFile(path, txn.writeContent(change({ uid, gid, mode, symlinkTarget, xattrs }), file.read()));
  }

  /** Everything below `path`, depth first, files before directories, names in byte order. Paths have no leading slash. */
  *walk(path = ''): Generator<{ readonly path: string; readonly node: TreeNode }, void, undefined> {
    const start = this.lookup(path);
    if (start === undefined) return;
    if (start.type === 'file') {
      yield { path, node: start };
      return;
    }
    yield* walkDirectory(start.dir, path);
  }

  write(txn: Transaction): { readonly tree: string; readonly meta: string } {
    return this.root.write(txn);
  }
}

function* walkDirectory(
  dir: TreeDirectory,
  path: string,
): Generator<{ readonly path: string; readonly node: TreeNode }, void, undefined> {
  const lead = path === '' ? '' : `${path}/`;
  for (const [name, checksum] of dir.files) yield { path: lead + name, node: { type: 'file', checksum } };
  for (const [name, child] of dir.dirs) {
    yield { path: lead + name, node: { type: 'directory', dir: child } };
    yield* walkDirectory(child, lead + name);
  }
}
