// Two builds of one package for different word sizes may bring the same program. RPM keeps the one of the preferred colour,
// which is 64 bits, and notes that the other package's file is not there (lib/transaction.c, handleColorConflict).
import { type Header, packageFiles } from '@coppice/rpm';
import type { ImageTree } from '../tree/image-tree.ts';
import { imageFiles } from './package-files.ts';

/** Colours of ELF files; 0 is everything else. */
const preferred = 2;
const wrongColor = 4;

export class FileColors {
  readonly #tree: ImageTree;
  readonly #there: Header[];
  /** Paths that a package does not get. */
  readonly #left = new Map<Header, Set<string>>();

  /** `there` are the packages whose files the tree has. */
  constructor(tree: ImageTree, there: readonly Header[]) {
    this.#tree = tree;
    this.#there = [...there];
  }

  /** The tree has the files of this package as well now. */
  add(header: Header): void {
    this.#there.push(header);
  }

  #colorAt(header: Header, path: string): number {
    const name = path.slice(path.lastIndexOf('/') + 1);
    for (const { path: own, file } of imageFiles(header))
      if (
        own.endsWith(name) &&
        file.color > 0 &&
        (own === path || this.#tree.resolve(own) === this.#tree.resolve(path))
      )
        return file.color;
    return 0;
  }

  /** Which of two different files at `path` stays; undefined when colours have no say, and it is a conflict. */
  choose(incoming: Header, path: string): 'keep' | 'replace' | undefined {
    const fresh = this.#colorAt(incoming, path);
    if (fresh === 0) return undefined;
    const old = this.#there.map((h) => this.#colorAt(h, path)).find((c) => c > 0);
    if (old === undefined || old === fresh) return undefined;
    if ((old & preferred) !== 0) {
      const left = this.#left.get(incoming) ?? new Set();
      this.#left.set(incoming, left.add(path));
      return 'keep';
    }
    return (fresh & preferred) !== 0 ? 'replace' : undefined;
  }

  /** States of a package's files for the database; undefined when all are there. */
  states(header: Header): number[] | undefined {
    const left = this.#left.get(header);
    if (left === undefined) return undefined;
    const gone = new Set(Array.from(imageFiles(header)).flatMap((f) => (left.has(f.path) ? [f.file.path] : [])));
    return Array.from(packageFiles(header), (f) => (gone.has(f.path) ? wrongColor : 0));
  }
}
