// Growing arrays of 32-bit numbers: the solver's lists live in these instead of in objects.

/** A growing Int32Array; `data` is replaced when it grows, so read it again after every push. */
export class IdArray {
  data: Int32Array;
  length = 0;

  constructor(capacity = 64) {
    this.data = new Int32Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.data.length) this.reserve(this.length + 1);
    this.data[this.length++] = value;
  }

  /** Room for `size` elements in all. */
  reserve(size: number): void {
    if (size <= this.data.length) return;
    const grown = new Int32Array(Math.max(size, this.data.length * 2));
    grown.set(this.data);
    this.data = grown;
  }

  /** Appends `values` and a closing 0; returns where they start. */
  pushList(values: ArrayLike<number>): number {
    const start = this.length;
    const end = start + values.length + 1;
    this.reserve(end);
    for (let i = 0; i < values.length; i++) this.data[start + i] = values[i]!;
    this.data[end - 1] = 0;
    this.length = end;
    return start;
  }
}

/** A set of small non-negative integers as bits. Reading past the end is `false`; writing grows it. */
export class BitSet {
  private bits: Uint32Array;

  constructor(size = 0) {
    this.bits = new Uint32Array((size + 31) >>> 5);
  }

  has(i: number): boolean {
    const w = i >>> 5;
    return w < this.bits.length && (this.bits[w]! & (1 << (i & 31))) !== 0;
  }

  add(i: number): void {
    const w = i >>> 5;
    if (w >= this.bits.length) {
      const grown = new Uint32Array(Math.max(w + 1, this.bits.length * 2));
      grown.set(this.bits);
      this.bits = grown;
    }
    this.bits[w]! |= 1 << (i & 31);
  }

  delete(i: number): void {
    const w = i >>> 5;
    if (w < this.bits.length) this.bits[w]! &= ~(1 << (i & 31));
  }

  clear(): void {
    this.bits.fill(0);
  }
}
