// SHA-256 of several messages at once. Each step of a message waits for the one before it, so that a processor with instructions
// for it computes two messages in the time of one; others compute one step of eight messages at a time, three times as fast as
// one after the other. OpenSSL does that for records of TLS, and Node exports its function to add-ons (on x86-64), so that koffi
// can call it.
import { closeSync, openSync, readSync } from 'node:fs';
import { nativeCalls } from './libc.ts';

interface NativeCall {
  (states: Uint32Array, messages: Uint32Array, groups: number): void;
  async(states: Uint32Array, messages: Uint32Array, groups: number, done: (error: Error | null) => void): void;
}

interface OpenSsl {
  readonly hash: NativeCall;
  /** Moves nothing, and tells where bytes are. */
  readonly address: (to: Uint8Array, from: Uint8Array, length: number) => number | bigint;
}

const prototypes: Readonly<Record<keyof OpenSsl, string>> = {
  hash: 'void sha256_multi_block(uint32_t *states, uint32_t *messages, int groups)',
  address: 'uint64_t memmove(uint8_t *to, const uint8_t *from, size_t length)',
};

/** So many messages at once. Those beside each other (0 and 1, 2 and 3 ...) are computed together, best when they are of one length. */
export const sha256Lanes = 8;
const words = 8;
/** Numbers of 32 bits in the record of a message: where it is (two), its blocks, and one that is not used. */
const recordLength = 4;
export const sha256Block = 64;
/** What `padSha256` adds at most. */
export const sha256Padding = 72;

/** FIPS 180-4, 5.3.3. */
const initial = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
] as const;

/** Ends the message whose last bytes are in `bytes` up to `end` with what belongs behind it; where that ends. */
export function padSha256(bytes: Buffer, end: number, messageLength: number): number {
  const padded = end + sha256Padding - ((messageLength + 8) % sha256Block);
  bytes[end] = 0x80;
  bytes.fill(0, end + 1, padded - 8);
  bytes.writeUInt32BE(Math.floor(messageLength / 2 ** 29), padded - 8);
  bytes.writeUInt32BE((messageLength * 8) >>> 0, padded - 4);
  return padded;
}

let hasInstructions: boolean | undefined;

/** Whether two messages take the time of one; where the processor has no instructions for SHA-256, all lanes take the time of five. */
export function hasSha256Instructions(): boolean {
  hasInstructions ??= cpuFlags().includes(' sha_ni ');
  return hasInstructions;
}

/** What Linux says of the first processor. */
function cpuFlags(): string {
  try {
    const fd = openSync('/proc/cpuinfo', 'r');
    try {
      const bytes = Buffer.allocUnsafe(8192);
      return bytes.toString('latin1', 0, readSync(fd, bytes));
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}

let loaded: OpenSsl | undefined;

/** Whether it computes what the standard's examples say, also where one message is longer than the one beside it. */
let isRight: boolean | undefined;

export class Sha256Lanes {
  readonly #ssl: OpenSsl;
  // In the byte order of the processors that have the function, and outside of the engine's heap, where they do not move.
  /** Word by word, of all lanes. */
  readonly #states = new Uint32Array(new ArrayBuffer(words * sha256Lanes * 4));
  readonly #messages = new Uint32Array(new ArrayBuffer(sha256Lanes * recordLength * 4));
  readonly #digest = new Uint32Array(words);
  readonly #digestBytes = Buffer.from(this.#digest.buffer);

  private constructor(ssl: OpenSsl) {
    this.#ssl = ssl;
  }

  /** Undefined where there is no such function. */
  static start(): Sha256Lanes | undefined {
    if (isRight === false) return undefined;
    try {
      loaded ??= nativeCalls<OpenSsl>(prototypes);
      const lanes = new Sha256Lanes(loaded);
      isRight ??= lanes.#isRight();
      return isRight ? lanes : undefined;
    } catch {
      isRight = false;
      return undefined;
    }
  }

  #isRight(): boolean {
    const bytes = Buffer.alloc(256);
    const address = this.addressOf(bytes);
    const long = bytes.write('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq');
    const short = padSha256(bytes, long, long);
    const end = padSha256(bytes, short + bytes.write('abc', short), 3);
    this.begin(0);
    this.begin(1);
    this.take(0, address + short, end - short);
    this.take(1, address, short);
    this.runHere();
    return (
      this.hex(0) === 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' &&
      this.hex(1) === '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'
    );
  }

  /** Where bytes are; they stay there as long as they are in use (except those of the engine's small arrays). */
  addressOf(bytes: Buffer): number {
    return Number(this.#ssl.address(bytes, bytes, 0));
  }

  /** A new message in this lane. */
  begin(lane: number): void {
    for (let i = 0; i < words; i++) this.#states[i * sha256Lanes + lane] = initial[i]!;
  }

  /**
   * What the next run takes in this lane: whole blocks, or nothing; the function ends at a pair of lanes that takes nothing. The
   * caller keeps the bytes until the run is over.
   */
  take(lane: number, address: number, length: number): void {
    const at = lane * recordLength;
    this.#messages[at] = address % 2 ** 32;
    this.#messages[at + 1] = address / 2 ** 32;
    this.#messages[at + 2] = length / sha256Block;
  }

  /** Groups of four lanes. Throws when a pair takes nothing and one behind it does. */
  #groups(): number {
    let last = sha256Lanes - 1;
    while (last > 0 && this.#blocks(last) === 0) last--;
    for (let lane = 0; lane < last - 1; lane += 2)
      if (this.#blocks(lane) === 0 && this.#blocks(lane + 1) === 0) throw new Error('a pair of lanes takes nothing');
    return last < 4 ? 1 : 2;
  }

  #blocks(lane: number): number {
    return this.#messages[lane * recordLength + 2]!;
  }

  /** On one of Node's threads. */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ssl.hash.async(this.#states, this.#messages, this.#groups(), (error) => {
        // A function of its own, so that states and messages live until here.
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  runHere(): void {
    this.#ssl.hash(this.#states, this.#messages, this.#groups());
  }

  /** The digest of the message in this lane, when all of it was taken, with its padding. */
  hex(lane: number): string {
    for (let i = 0; i < words; i++) this.#digest[i] = this.#states[i * sha256Lanes + lane]!;
    return this.#digestBytes.swap32().toString('hex');
  }
}
