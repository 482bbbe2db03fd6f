// Package trees into a base tree: union by object, a file that differs is a conflict.
import { CoppiceError } from '@coppice/base';
import type { Header } from '@coppice/rpm';
import type { ImportedPackage } from '../import/package-commit.ts';
import { formatNevra } from '../nevra.ts';
import { TreeDirectory } from '../tree/directory.ts';
import { type ImageTree, S_IFLNK, S_IFMT } from '../tree/image-tree.ts';
import { imageFiles } from './package-files.ts';

/** How files meet what is there: `identical` fails on a difference, `union` replaces, `add` keeps what is there. */
export type MergeMode = 'identical' | 'union' | 'add';

export interface MergeOptions {
  readonly mode?: MergeMode;
  /** True keeps a path (relative) of the package out of the tree. */
  readonly exclude?: (path: string) => boolean;
  /** Asked when a file differs from the one that is there; undefined is a conflict. */
  readonly choose?: (path: string) => 'keep' | 'replace' | undefined;
}

/** Never replaced by a package. */
const keptFiles = new Set(['usr/etc/nsswitch.conf']);

class Merger {
  readonly #tree: ImageTree;
  readonly #pkg: ImportedPackage;
  readonly #options: MergeOptions;

  constructor(tree: ImageTree, pkg: ImportedPackage, options: MergeOptions) {
    this.#tree = tree;
    this.#pkg = pkg;
    this.#options = options;
  }

  /** The directory that `path` of the package lands in, through links such as `lib -> usr/lib`. */
  #target(dst: TreeDirectory, name: string, path: string, source: TreeDirectory): TreeDirectory {
    const link = dst.files.get(name);
    if (link === undefined) return dst.ensureDir(name, source.meta);
    const { header } = this.#tree.header(link);
    if ((header.mode & S_IFMT) === S_IFLNK) {
      const node = this.#tree.lookup(this.#tree.resolve(path, true));
      if (node?.type === 'directory') return node.dir;
    }
    throw this.#conflict(path, 'a directory meets a file');
  }

  #conflict(path: string, why: string): CoppiceError {
    return new CoppiceError(
      'Conflict',
      `Checkout ${this.#pkg.nevra.name}: File exists: /${path} (${formatNevra(this.#pkg.nevra)}: ${why})`,
      { data: { path: `/${path}`, package: formatNevra(this.#pkg.nevra) } },
    );
  }

  merge(dst: TreeDirectory, src: TreeDirectory, path: string): void {
    const lead = path === '' ? '' : `${path}/`;
    const mode = this.#options.mode ?? 'identical';
    for (const [name, checksum] of src.files) {
      const at = lead + name;
      if (this.#options.exclude?.(at) === true) continue;
      const there = dst.files.get(name);
      if (dst.dirs.has(name)) throw this.#conflict(at, 'a file meets a directory');
      if (there !== undefined) {
        if (there === checksum || mode === 'add' || keptFiles.has(at)) continue;
        if (mode === 'identical') {
          if (this.#sameContent(there, checksum)) continue;
          const chosen = this.#options.choose?.(at);
          if (chosen === undefined) throw this.#conflict(at, 'the content differs');
          if (chosen === 'keep') continue;
        }
      }
      dst.setFile(name, checksum);
    }
    for (const [name, child] of src.dirs) {
      const at = lead + name;
      if (this.#options.exclude?.(at) === true) continue;
      // A directory that is new is taken as it is, unread, unless something in it is to be left out.
      if (!dst.dirs.has(name) && !dst.files.has(name) && this.#options.exclude === undefined) {
        const stored = child.stored;
        if (stored !== undefined) {
          dst.setDir(name, TreeDirectory.stored(this.#tree.repo, stored.tree, stored.meta));
          continue;
        }
      }
      this.merge(this.#target(dst, name, at, child), child, at);
    }
  }

  /** Same bytes and mode; the owner may have been applied to one of them already. */
  #sameContent(a: string, b: string): boolean {
    const x = this.#tree.header(a);
    const y = this.#tree.header(b);
    if (x.size !== y.size || x.header.mode !== y.header.mode || x.header.symlinkTarget !== y.header.symlinkTarget)
      return false;
    if (x.size === 0) return true;
    const bytes = (c: string): Buffer =>
      Buffer.concat(Array.from(this.#tree.repo.loadFile(c).read(), (p) => Buffer.from(p)));
    return x.size <= 64 * 1024 * 1024 && bytes(a).equals(bytes(b));
  }
}

/** Adds a package's files to the tree. Throws `Conflict` naming package and path. */
export function mergePackage(tree: ImageTree, pkg: ImportedPackage, options: MergeOptions = {}): void {
  const source = TreeDirectory.stored(tree.repo, pkg.tree, pkg.meta);
  new Merger(tree, pkg, options).merge(tree.root, source, '');
}

/** Takes the files of removed packages out; files that another package also has stay, directories go when empty. */
export function removePackages(tree: ImageTree, gone: readonly Header[], staying: Iterable<Header>): void {
  const paths = new Set<string>();
  const dirs = new Set<string>();
  for (const header of gone) {
    for (const { path, file } of imageFiles(header)) {
      if ((file.mode & S_IFMT) === 0o040000) dirs.add(path);
      else paths.add(path);
    }
  }
  for (const header of staying)
    for (const { path } of imageFiles(header)) {
      paths.delete(path);
      dirs.delete(path);
    }
  for (const path of paths) {
    const at = tree.resolve(path);
    if (tree.lookup(at)?.type === 'file') tree.remove(at);
  }
  for (const path of [...dirs].sort((a, b) => b.length - a.length)) {
    const node = tree.lookup(tree.resolve(path));
    if (node?.type === 'directory' && node.dir.isEmpty) tree.remove(tree.resolve(path));
  }
}
