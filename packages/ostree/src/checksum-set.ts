const width = 32;
const words = width / 4;
/** Growing costs as much as adding; half of 10,000 are there after five times. */
const firstRoom = 256;

/** Random odd multipliers, so that nobody can choose checksums that fall together. */
function multipliers(): Uint32Array {
  const out = new Uint32Array(words);
  for (let i = 0; i < words; i++) out[i] = (Math.random() * 2 ** 32) | 1;
  return out;
}

/**
 * A set of checksums in the order in which they came, in 40 to 80 bytes each (a Set of strings takes 140 and more).
 * Checksums go in and out as hex; `addBytes` takes them as they lie in objects.
 */
export class ChecksumSet {
  #bytes = Buffer.alloc(firstRoom * width);
  #words = new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset, firstRoom * words);
  /** Place in `#bytes` plus one, by hash; 0 is free. At least twice as large as `#bytes` has places. */
  #table = new Uint32Array(firstRoom * 2);
  #size = 0;
  readonly #multipliers = multipliers();

  get size(): number {
    return this.#size;
  }

  /** All, 32 bytes each; changed by the next `add`. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size * width);
  }

  /** False when it was there already. */
  add(checksum: string): boolean {
    this.#reserve();
    this.#bytes.write(checksum, this.#size * width, width, 'hex');
    return this.#settle(this.#slot(this.#hash(this.#size)));
  }

  /** The 32 bytes at `offset`. False when they were there already. */
  addBytes(source: Buffer, offset: number): boolean {
    return this.#settle(this.#put(source, offset));
  }

  /** Whether the 32 bytes at `offset` are in it. */
  hasBytes(source: Buffer, offset: number): boolean {
    return this.#table[this.#put(source, offset)] !== 0;
  }

  /** Puts a checksum behind the last one; gives where it is in the table, or would be. */
  #put(source: Buffer, offset: number): number {
    this.#reserve();
    const data = this.#words;
    const factors = this.#multipliers;
    const to = this.#size * words;
    let sum = 0;
    for (let i = 0, at = offset; i < words; i++, at += 4) {
      // In the order of bytes of all processors that Node runs on here.
      const word = source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24);
      data[to + i] = word;
      sum = (sum + Math.imul(word ^ (word >>> 15), factors[i]!)) | 0;
    }
    return this.#slot((sum ^ (sum >>> 16)) & (this.#table.length - 1));
  }

  has(checksum: string): boolean {
    this.#reserve();
    if (this.#bytes.write(checksum, this.#size * width, width, 'hex') !== width) return false;
    return this.#table[this.#slot(this.#hash(this.#size))] !== 0;
  }

  /** Checksum number `place`, as hex. */
  at(place: number): string {
    return this.#bytes.toString('hex', place * width, place * width + width);
  }

  *[Symbol.iterator](): Generator<string, void, undefined> {
    for (let i = 0; i < this.#size; i++) yield this.at(i);
  }

  /** Room for one more, which is written behind the last before it is known whether it is new. */
  #reserve(): void {
    if ((this.#size + 1) * width <= this.#bytes.length) return;
    const old = this.#bytes;
    this.#bytes = Buffer.alloc(old.length * 2);
    old.copy(this.#bytes);
    this.#words = new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length / 4);
    const size = this.#size;
    this.#table = new Uint32Array((this.#bytes.length / width) * 2);
    for (let place = 0; place < size; place++) {
      let slot = this.#hash(place);
      while (this.#table[slot] !== 0) slot = (slot + 1) & (this.#table.length - 1);
      this.#table[slot] = place + 1;
    }
  }

  #settle(slot: number): boolean {
    if (this.#table[slot] !== 0) return false;
    this.#table[slot] = ++this.#size;
    return true;
  }

  /** Where the checksum behind the last one is in the table, or would be; looked for from `slot` on. */
  #slot(slot: number): number {
    const table = this.#table;
    const data = this.#words;
    const mine = this.#size * words;
    for (let at = slot; ; at = (at + 1) & (table.length - 1)) {
      const place = table[at]!;
      if (place === 0) return at;
      const there = (place - 1) * words;
      let same = 0;
      while (same < words && data[there + same] === data[mine + same]) same++;
      if (same === words) return at;
    }
  }

  #hash(place: number): number {
    const data = this.#words;
    const from = place * words;
    let sum = 0;
    for (let i = 0; i < words; i++) {
      const word = data[from + i]!;
      sum = (sum + Math.imul(word ^ (word >>> 15), this.#multipliers[i]!)) | 0;
    }
    return (sum ^ (sum >>> 16)) & (this.#table.length - 1);
  }
}
