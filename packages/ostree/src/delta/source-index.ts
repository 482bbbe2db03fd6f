/** Bytes of a key: shorter matches never start a new piece of a difference. */
const keySize = 8;
/** Every byte of a short text is a place, every fourth of a longer one: a match of eleven bytes still holds a key. */
const shortText = 64 * 1024;
const longStep = 4;
const maxBits = 22;
/** Most places of one key that are compared. */
const maxTries = 16;

const mixLow = 0x9e3779b1 | 0;
const mixHigh = 0x85ebca77 | 0;

/**
 * Finds where a piece of bytes stands in a text: the places of the text sorted by a hash of what starts there. It takes
 * half a byte to two bytes of memory per byte of text and one pass to make, where a suffix array takes four and ten; what it
 * gives is seldom shorter. One index is filled again for one text after the other, since arrays left to the garbage collector
 * pile up.
 */
export class SourceIndex {
  #text: Uint8Array = new Uint8Array(0);
  /** Where the places of each key start, and all places in that order. */
  #starts = new Int32Array(0);
  #places = new Int32Array(0);
  #shift = 0;
  /** Place of the last match. */
  position = 0;

  /** Takes another text, which must not change while it is searched. */
  fill(text: Uint8Array): void {
    this.#text = text;
    const last = text.length - keySize;
    if (last < 0) return;
    const step = text.length <= shortText ? 1 : longStep;
    const count = Math.floor(last / step) + 1;
    let bits = 8;
    while (bits < maxBits && 1 << bits < count) bits++;
    const keys = (1 << bits) + 2;
    if (this.#starts.length < keys) this.#starts = new Int32Array(keys);
    else this.#starts.fill(0, 0, keys);
    if (this.#places.length < count) this.#places = new Int32Array(count + (count >> 3));
    this.#shift = 32 - bits;
    const starts = this.#starts;
    const places = this.#places;
    const shift = this.#shift;
    // Counted two further on, summed, and filled in one further on: then each key's start stands at its own number.
    for (let at = 0; at <= last; at += step) starts[(hashAt(text, at) >>> shift) + 2]!++;
    for (let key = 2; key < keys; key++) starts[key]! += starts[key - 1]!;
    for (let at = 0; at <= last; at += step) places[starts[(hashAt(text, at) >>> shift) + 1]!++] = at;
  }

  /**
   * Length of the longest match found of `fresh[at..]`, its place in `position`; 0 when there is none longer than `known`.
   * Places around `near` are tried first, of many.
   */
  search(fresh: Uint8Array, at: number, near: number, known: number): number {
    const text = this.#text;
    const left = fresh.length - at;
    if (left < keySize || text.length < keySize) return 0;
    const places = this.#places;
    const key = hashAt(fresh, at) >>> this.#shift;
    let from = this.#starts[key]!;
    let to = this.#starts[key + 1]!;
    if (to - from > maxTries) {
      let low = from;
      for (let high = to; low < high; ) {
        const middle = (low + high) >>> 1;
        if (places[middle]! < near) low = middle + 1;
        else high = middle;
      }
      from = Math.max(from, Math.min(low - (maxTries >> 1), to - maxTries));
      to = from + maxTries;
    }
    let best = known;
    let found = false;
    for (let i = from; i < to; i++) {
      const place = places[i]!;
      const most = Math.min(text.length - place, left);
      if (most <= best || text[place + best] !== fresh[at + best]) continue;
      let n = 0;
      while (n < most && text[place + n] === fresh[at + n]) n++;
      if (n <= best) continue;
      best = n;
      found = true;
      this.position = place;
    }
    return found ? best : 0;
  }
}

function hashAt(bytes: Uint8Array, at: number): number {
  const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  const high = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
  return Math.imul(Math.imul(low, mixLow) ^ (high + (low >>> 15)), mixHigh);
}
