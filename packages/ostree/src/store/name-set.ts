import { objectSuffix, objectTypes } from '../codec/object-type.ts';

const suffixes = [
  ...new Set(objectTypes.flatMap((type) => [objectSuffix(type, 'bare'), objectSuffix(type, 'archive')])),
];
/** Words of 32 bits for each name: 120 bits of the checksum and 8 for the type. */
const words = 4;

function digit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= 102 ? code - 87 : Number.NaN;
}

/**
 * Names of objects (`ab/cdef….file`), sixteen bytes each where a set of strings takes a hundred or more: in an open table with
 * linear probing, at most half full. 120 bits of a checksum tell two objects apart as surely as anything here can: a pair equal
 * in them takes 2^60 attempts to find. Names of no object are never in it.
 */
export class NameSet {
  #table = new Uint32Array(1024 * words);
  readonly #key = new Uint32Array(words);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(name: string): boolean {
    return this.#read(name) && this.#table[this.#slot(this.#table, this.#key) + words - 1] !== 0;
  }

  /** False for a name that is none of an object, and is left out. */
  add(name: string): boolean {
    if (!this.#read(name)) return false;
    const slot = this.#slot(this.#table, this.#key);
    if (this.#table[slot + words - 1] !== 0) return true;
    this.#table.set(this.#key, slot);
    this.#size += 1;
    if (this.#size * words * 2 > this.#table.length) this.#grow();
    return true;
  }

  /** Sets the key to that of a name; false when it is none of an object. */
  #read(name: string): boolean {
    const type = suffixes.indexOf(name.slice(66)) + 1;
    if (type === 0) return false;
    if (name.charCodeAt(2) !== 47 || name.charCodeAt(65) !== 46) return false;
    let at = 0;
    for (let word = 0; word < words; word++) {
      let value = 0;
      for (let i = word === words - 1 ? 2 : 0; i < 8; i++) {
        value = value * 16 + digit(name.charCodeAt(at));
        at += at === 1 ? 2 : 1;
      }
      if (Number.isNaN(value)) return false;
      this.#key[word] = word === words - 1 ? value * 256 + type : value;
    }
    return true;
  }

  /** Where a key lies, or the free place where it would. Checksums are as good as random: their first bits are the hash. */
  #slot(table: Uint32Array, key: Uint32Array): number {
    const mask = table.length - 1;
    for (let slot = (key[0]! * words) & mask; ; slot = (slot + words) & mask) {
      if (table[slot + 3] === 0) return slot;
      if (
        table[slot] === key[0] &&
        table[slot + 1] === key[1] &&
        table[slot + 2] === key[2] &&
        table[slot + 3] === key[3]
      )
        return slot;
    }
  }

  #grow(): void {
    const old = this.#table;
    const table = new Uint32Array(old.length * 2);
    for (let i = 0; i < old.length; i += words) {
      if (old[i + words - 1] === 0) continue;
      const key = old.subarray(i, i + words);
      table.set(key, this.#slot(table, key));
    }
    this.#table = table;
  }
}
