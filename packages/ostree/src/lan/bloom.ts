// Bloom filters of refs as peers on the local network announce them (ostree-bloom.c): SipHash-2-4 with a key of sixteen
// times the same byte for each of the k hashes.
import { CoppiceError } from '@coppice/base';

const mask = (1n << 64n) - 1n;
const rotate = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (64n - by))) & mask;

/** SipHash-2-4 with 64 bits of result; the key has 16 bytes. */
export function sipHash(key: Uint8Array, bytes: Uint8Array): bigint {
  const keyView = new DataView(key.buffer, key.byteOffset, 16);
  const [k0, k1] = [keyView.getBigUint64(0, true), keyView.getBigUint64(8, true)];
  let v0 = k0 ^ 0x736f6d6570736575n;
  let v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n;
  let v3 = k1 ^ 0x7465646279746573n;
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) & mask;
      v1 = rotate(v1, 13n) ^ v0;
      v0 = rotate(v0, 32n);
      v2 = (v2 + v3) & mask;
      v3 = rotate(v3, 16n) ^ v2;
      v0 = (v0 + v3) & mask;
      v3 = rotate(v3, 21n) ^ v0;
      v2 = (v2 + v1) & mask;
      v1 = rotate(v1, 17n) ^ v2;
      v2 = rotate(v2, 32n);
    }
  };
  // The last word holds what is left over and the length.
  const padded = new Uint8Array((Math.floor(bytes.length / 8) + 1) * 8);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length & 0xff;
  const view = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 8) {
    const word = view.getBigUint64(at, true);
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  v2 ^= 0xffn;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

/** A hash of an element, one for each number below the filter's k. */
export type BloomHash<T> = (element: T, k: number) => bigint;

const utf8 = new TextEncoder();

/** The hash of a string (`ostree_str_bloom_hash`). */
export const stringBloomHash: BloomHash<string> = (text, k) => sipHash(new Uint8Array(16).fill(k), utf8.encode(text));

/** The hash of a ref of a collection, which peers know as number 1. */
export const refBloomHash: BloomHash<{ readonly collection: string; readonly ref: string }> = (
  { collection, ref },
  k,
) => stringBloomHash(collection, k) ^ stringBloomHash(ref, k);

/** A set that may claim to have what it does not have, and never the other way round. */
export class Bloom<T> {
  readonly bytes: Uint8Array;
  /** Hashes per element, 1 to 255. */
  readonly k: number;
  readonly #hash: BloomHash<T>;

  /** A filter over `bytes`, which is taken as it is. Throws `Invalid` when it has no bits or k is not from 1 to 255. */
  constructor(bytes: Uint8Array, k: number, hash: BloomHash<T>) {
    if (bytes.length === 0 || !Number.isInteger(k) || k < 1 || k > 255)
      throw new CoppiceError('Invalid', `Bloom filter of ${bytes.length} bytes with k ${k}`);
    this.bytes = bytes;
    this.k = k;
    this.#hash = hash;
  }

  #bit(element: T, k: number): number {
    return Number(this.#hash(element, k) % BigInt(this.bytes.length * 8));
  }

  add(element: T): void {
    for (let k = 0; k < this.k; k++) {
      const bit = this.#bit(element, k);
      this.bytes[bit >> 3]! |= 1 << (bit & 7);
    }
  }

  maybeContains(element: T): boolean {
    for (let k = 0; k < this.k; k++) {
      const bit = this.#bit(element, k);
      if ((this.bytes[bit >> 3]! & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  }
}
