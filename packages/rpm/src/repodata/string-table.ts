import { CoppiceError } from '@coppice/base';

const fnvPrime = 0x01000193;
const sampled = 32;

/** Of long strings only both ends are looked at: equality is decided on the bytes. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 ^ (end - start);
  if (end - start <= 2 * sampled) {
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, fnvPrime);
  } else {
    for (let i = start; i < start + sampled; i++) hash = Math.imul(hash ^ bytes[i]!, fnvPrime);
    for (let i = end - sampled; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, fnvPrime);
  }
  return hash ^ (hash >>> 15);
}

/**
 * Byte strings stored once each, by number, in one arena. A hundred thousand package descriptions cost their bytes and
 * four more; JavaScript strings are made when asked for.
 */
export class StringTable {
  #arena: Buffer;
  #used: number;
  /** `#offsets[i]` is where string i starts; string 0 is empty. */
  #offsets: Uint32Array;
  #hashes: Int32Array;
  #count: number;
  #slots: Int32Array;
  #texts: (string | undefined)[] = [];

  constructor() {
    this.#arena = Buffer.allocUnsafeSlow(1 << 16);
    this.#used = 0;
    this.#offsets = new Uint32Array(1 << 12);
    this.#hashes = new Int32Array(1 << 12);
    this.#count = 1;
    this.#slots = new Int32Array(1 << 13).fill(-1);
  }

  get count(): number {
    return this.#count;
  }

  /** Number of `bytes[start, end)`, added when new. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    if (start === end) return 0;
    const hash = hashOf(bytes, start, end);
    const mask = this.#slots.length - 1;
    const arena = this.#arena;
    const length = end - start;
    let slot = hash & mask;
    for (;;) {
      const id = this.#slots[slot]!;
      if (id < 0) break;
      const at = this.#offsets[id]!;
      if (this.#hashes[id] === hash && this.#end(id) - at === length) {
        let i = 0;
        while (i < length && arena[at + i] === bytes[start + i]) i++;
        if (i === length) return id;
      }
      slot = (slot + 1) & mask;
    }
    const id = this.#append(bytes, start, end);
    this.#hashes[id] = hash;
    this.#slots[slot] = id;
    if (this.#count * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  internText(text: string): number {
    if (text === '') return 0;
    const bytes = Buffer.from(text);
    return this.intern(bytes, 0, bytes.length);
  }

  #end(id: number): number {
    return id + 1 < this.#count ? this.#offsets[id + 1]! : this.#used;
  }

  #append(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (this.#used + length > 0xffffffff) throw new CoppiceError('Limit', 'repository metadata is too large');
    if (this.#used + length > this.#arena.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#arena.length * 2, this.#used + length));
      this.#arena.copy(grown, 0, 0, this.#used);
      this.#arena = grown;
    }
    if (this.#count >= this.#offsets.length) {
      const grown = new Uint32Array(this.#offsets.length * 2);
      grown.set(this.#offsets);
      this.#offsets = grown;
      const hashes = new Int32Array(grown.length);
      hashes.set(this.#hashes);
      this.#hashes = hashes;
    }
    this.#arena.set(bytes.subarray(start, end), this.#used);
    this.#offsets[this.#count] = this.#used;
    this.#used += length;
    return this.#count++;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    for (let id = 1; id < this.#count; id++) {
      let slot = this.#hashes[id]! & mask;
      while (slots[slot]! >= 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
  }

  /** The text of a number; kept, so that asking again gives the same string. */
  text(id: number): string {
    if (id === 0) return '';
    let text = this.#texts[id];
    if (text === undefined) {
      text = this.#arena.toString('utf8', this.#offsets[id]!, this.#end(id));
      this.#texts[id] = text;
    }
    return text;
  }

  /** As `text`, without keeping it: for long texts that are asked for once. */
  looseText(id: number): string {
    return id === 0 ? '' : (this.#texts[id] ?? this.#arena.toString('utf8', this.#offsets[id]!, this.#end(id)));
  }

  /** Number of a string that is here, 0 for any other (and for the empty one). */
  find(bytes: Uint8Array, start: number, end: number): number {
    if (start === end) return 0;
    if (this.#slots.length <= this.#count) this.#slots = this.index();
    const slots = this.#slots;
    const arena = this.#arena;
    const offsets = this.#offsets;
    const mask = slots.length - 1;
    const length = end - start;
    let slot = hashOf(bytes, start, end) & mask;
    // The bound is for a stored index without a free slot.
    for (let n = slots.length; n > 0; n--, slot = (slot + 1) & mask) {
      const id = slots[slot]!;
      if (id < 0) return 0;
      const at = offsets[id]!;
      if (this.#end(id) - at !== length) continue;
      let i = 0;
      while (i < length && arena[at + i] === bytes[start + i]) i++;
      if (i === length) return id;
    }
    return 0;
  }

  findText(text: string): number {
    const bytes = Buffer.from(text);
    return this.find(bytes, 0, bytes.length);
  }

  /** As `find`, for a string of another table. */
  findOf(other: StringTable, id: number): number {
    return id === 0 ? 0 : this.find(other.#arena, other.#offsets[id]!, other.#end(id));
  }

  /** Whether a string starts with these ASCII characters. */
  startsWith(id: number, prefix: string): boolean {
    if (id === 0) return prefix === '';
    const at = this.#offsets[id]!;
    if (this.#end(id) - at < prefix.length) return false;
    for (let i = 0; i < prefix.length; i++) if (this.#arena[at + i] !== prefix.charCodeAt(i)) return false;
    return true;
  }

  /** A hash table over all strings, as small as it can well be. */
  index(): Int32Array {
    let size = 1 << 4;
    while (size * 3 < this.#count * 4) size *= 2;
    const slots = new Int32Array(size).fill(-1);
    for (let id = 1; id < this.#count; id++) {
      let slot = hashOf(this.#arena, this.#offsets[id]!, this.#end(id)) & (size - 1);
      while (slots[slot]! >= 0) slot = (slot + 1) & (size - 1);
      slots[slot] = id;
    }
    return slots;
  }

  /** Offsets and bytes, for storing. */
  dump(): { offsets: Uint32Array; bytes: Uint8Array } {
    return { offsets: this.#offsets.subarray(0, this.#count), bytes: this.#arena.subarray(0, this.#used) };
  }

  /**
   * The table of a dump, with its `index()` when that was kept. Strings can be looked up and asked for; nothing can be
   * added. Throws `Corrupt`.
   */
  static restore(offsets: Uint32Array, bytes: Buffer, slots?: Int32Array): StringTable {
    const table = new StringTable();
    if (offsets.length === 0) throw new CoppiceError('Corrupt', 'repository cache: no strings');
    for (let i = 1; i < offsets.length; i++)
      if (offsets[i]! > bytes.length || offsets[i]! < offsets[i - 1]!)
        throw new CoppiceError('Corrupt', 'repository cache: bad string table');
    table.#offsets = offsets;
    table.#count = offsets.length;
    table.#arena = bytes;
    table.#used = bytes.length;
    table.#slots = slots ?? new Int32Array(0);
    return table;
  }
}
