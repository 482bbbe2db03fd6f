// The iteration order of GLib's GHashTable with string keys (glib/ghash.c). GVariantDict iterates one, so the order of
// a dictionary built by it is part of hashed and signed bytes.

const primes = [
  1, 2, 3, 7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071, 262139, 524287, 1048573,
  2097143, 4194301, 8388593, 16777213, 33554393, 67108859, 134217689, 268435399, 536870909, 1073741789, 2147483647,
];

const utf8 = new TextEncoder();

/** `g_str_hash`. */
export function gStrHash(text: string): number {
  let h = 5381;
  for (const byte of utf8.encode(text)) h = (Math.imul(h, 33) + ((byte << 24) >> 24)) >>> 0;
  return h;
}

interface Slot<V> {
  readonly key: string;
  readonly hash: number;
  value: V;
}

/** A string-keyed table that iterates as GHashTable does; insert and delete in the original's order to get its order. */
export class GHashTable<V> {
  /** undefined: never used; null: tombstone. */
  #slots: (Slot<V> | null | undefined)[] = new Array(8).fill(undefined);
  #shift = 3;
  #nodes = 0;
  #occupied = 0;
  readonly #hash: (key: string) => number;

  /** `hash` is the table's hash function, `g_str_hash` by default. */
  constructor(hash: (key: string) => number = gStrHash) {
    // 0 and 1 mark unused slots and tombstones.
    this.#hash = (key) => Math.max(hash(key), 2);
  }

  get size(): number {
    return this.#nodes;
  }

  #index(hash: number): number {
    return (Math.imul(hash, 11) >>> 0) % primes[this.#shift]!;
  }

  #lookup(key: string, hash: number): { at: number; found: boolean } {
    const mask = this.#slots.length - 1;
    let at = this.#index(hash);
    let tombstone = -1;
    for (let step = 1; this.#slots[at] !== undefined; step++) {
      const slot = this.#slots[at]!;
      if (slot === null) {
        if (tombstone < 0) tombstone = at;
      } else if (slot.hash === hash && slot.key === key) return { at, found: true };
      at = (at + step) & mask;
    }
    return { at: tombstone < 0 ? at : tombstone, found: false };
  }

  set(key: string, value: V): this {
    const hash = this.#hash(key);
    const { at, found } = this.#lookup(key, hash);
    const slot = this.#slots[at];
    if (found) {
      slot!.value = value;
      return this;
    }
    this.#slots[at] = { key, hash, value };
    this.#nodes++;
    if (slot === undefined) {
      this.#occupied++;
      this.#maybeResize();
    }
    return this;
  }

  get(key: string): V | undefined {
    const { at, found } = this.#lookup(key, this.#hash(key));
    return found ? this.#slots[at]!.value : undefined;
  }

  has(key: string): boolean {
    return this.#lookup(key, this.#hash(key)).found;
  }

  delete(key: string): boolean {
    const { at, found } = this.#lookup(key, this.#hash(key));
    if (!found) return false;
    this.#slots[at] = null;
    this.#nodes--;
    this.#maybeResize();
    return true;
  }

  *entries(): Generator<[string, V]> {
    for (const slot of this.#slots) if (slot != null) yield [slot.key, slot.value];
  }
  [Symbol.iterator](): Generator<[string, V]> {
    return this.entries();
  }
  *keys(): Generator<string> {
    for (const [key] of this.entries()) yield key;
  }

  #maybeResize(): void {
    const size = this.#slots.length;
    if ((size > this.#nodes * 4 && size > 8) || size <= this.#occupied + Math.floor(this.#occupied / 16))
      this.#resize();
  }

  #resize(): void {
    let bits = 0;
    for (let n = Math.floor(this.#nodes * 1.333); n > 0; n >>>= 1) bits++;
    this.#shift = Math.max(3, bits);
    const old = this.#slots.length;
    const size = 2 ** this.#shift;
    const slots = this.#slots;
    while (slots.length < size) slots.push(undefined);
    for (let i = 0; i < slots.length; i++) if (slots[i] === null) slots[i] = undefined;
    const placed = new Uint8Array(slots.length);
    for (let i = 0; i < old; i++) {
      let moving = slots[i];
      if (placed[i] === 1 || moving == null) continue;
      slots[i] = undefined;
      while (moving != null) {
        let at = this.#index(moving.hash);
        for (let step = 1; placed[at] === 1; step++) at = (at + step) & (size - 1);
        placed[at] = 1;
        const displaced: Slot<V> | null | undefined = slots[at];
        slots[at] = moving;
        moving = displaced;
      }
    }
    slots.length = size;
    this.#occupied = this.#nodes;
  }
}

/** The keys in the order in which a table that got them one after the other iterates. */
export function hashTableOrder(keys: Iterable<string>): string[] {
  const table = new GHashTable<true>();
  for (const key of keys) table.set(key, true);
  return [...table.keys()];
}
