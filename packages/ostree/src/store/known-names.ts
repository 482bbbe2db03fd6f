import type { FileSystem } from '@coppice/base/fs';
import { NameSet } from './name-set.ts';

/** A directory is listed once this many of its names were asked for; before, each is looked at. */
const patience = 6;
/** Names kept in memory, 32 to 64 bytes each with the free places; beyond that each is looked at again. */
const maxNames = 256 * 1024;

/**
 * Which object names are taken, without asking the file system about each: what a transaction has placed itself, and
 * listings of directories that are asked about often. What is there stays while the repository is locked; what another
 * process adds meanwhile may be missed, and is then merely written once more.
 */
export class KnownNames {
  readonly #fs: FileSystem;
  readonly #objects: string;
  readonly #placed = new NameSet();
  readonly #asked = new Map<string, number>();
  readonly #heads = new Set<string>();
  readonly #listed = new NameSet();
  #overflow = false;

  constructor(fs: FileSystem, objects: string) {
    this.#fs = fs;
    this.#objects = objects;
  }

  /** Notes that the transaction placed an object. */
  add(name: string): void {
    if (this.#placed.size >= maxNames || !this.#placed.add(name)) this.#overflow = true;
  }

  /** Whether the transaction placed it; undefined when there were too many to remember. */
  isPlaced(name: string): boolean | undefined {
    return this.#placed.has(name) ? true : this.#overflow ? undefined : false;
  }

  /** Whether it lies below `objects/`; undefined when that has to be looked at. */
  isStored(name: string): boolean | undefined {
    const head = name.slice(0, 2);
    if (this.#heads.has(head)) return this.#listed.has(name);
    const asked = (this.#asked.get(head) ?? 0) + 1;
    this.#asked.set(head, asked);
    if (asked < patience || this.#listed.size >= maxNames) return undefined;
    for (const rest of this.#fs.readdir(`${this.#objects}/${head}`)) this.#listed.add(`${head}/${rest}`);
    this.#heads.add(head);
    return this.#listed.has(name);
  }
}
