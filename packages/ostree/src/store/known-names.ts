import type { FileSystem } from '@coppice/base/fs';

/** A directory is listed once this many of its names were asked for; before, each is looked at. */
const patience = 6;
/** Names kept in memory, a hundred bytes each; beyond that each is looked at again. */
const maxNames = 128 * 1024;

/**
 * Which object names are taken, without asking the file system about each: what a transaction has placed itself, and
 * listings of directories that are asked about often. What is there stays while the repository is locked; what another
 * process adds meanwhile may be missed, and is then merely written once more.
 */
export class KnownNames {
  readonly #fs: FileSystem;
  readonly #objects: string;
  readonly #placed = new Set<string>();
  readonly #asked = new Map<string, number>();
  readonly #listed = new Map<string, ReadonlySet<string>>();
  #kept = 0;
  #overflow = false;

  constructor(fs: FileSystem, objects: string) {
    this.#fs = fs;
    this.#objects = objects;
  }

  /** Notes that the transaction placed an object. */
  add(name: string): void {
    if (this.#placed.size < maxNames) this.#placed.add(name);
    else this.#overflow = true;
  }

  /** Whether the transaction placed it; undefined when there were too many to remember. */
  isPlaced(name: string): boolean | undefined {
    return this.#placed.has(name) ? true : this.#overflow ? undefined : false;
  }

  /** Whether it lies below `objects/`; undefined when that has to be looked at. */
  isStored(name: string): boolean | undefined {
    const head = name.slice(0, 2);
    const names = this.#listed.get(head);
    if (names !== undefined) return names.has(name.slice(3));
    const asked = (this.#asked.get(head) ?? 0) + 1;
    this.#asked.set(head, asked);
    if (asked < patience || this.#kept >= maxNames) return undefined;
    const list = new Set(this.#fs.readdir(`${this.#objects}/${head}`));
    this.#kept += list.size;
    this.#listed.set(head, list);
    return list.has(name.slice(3));
  }
}
