// gzip on Node's own threads: Node's streams do it too, but they take milliseconds to load and copy all pieces. Node exports the
// functions of its zlib to add-ons, so that koffi can call them. The state of a stream is zlib's `z_stream` on 64-bit systems.
import { nativeCalls } from './libc.ts';

interface NativeCall {
  (...args: (number | Uint8Array | string)[]): number;
  async(...args: unknown[]): void;
}

interface Zlib {
  readonly version: () => string;
  readonly begin: NativeCall;
  readonly deflate: NativeCall;
  readonly end: NativeCall;
  /** Moves nothing, and tells where bytes are. */
  readonly address: (to: Uint8Array, from: Uint8Array, length: number) => number | bigint;
}

const prototypes: Readonly<Record<keyof Zlib, string>> = {
  version: 'const char *zlibVersion()',
  begin:
    'int deflateInit2_(uint8_t *stream, int level, int method, int window, int memory, int strategy, const char *version, int size)',
  deflate: 'int deflate(uint8_t *stream, int flush)',
  end: 'int deflateEnd(uint8_t *stream)',
  address: 'uint64_t memmove(uint8_t *to, const uint8_t *from, size_t length)',
};

const streamSize = 112;
const nextIn = 0;
const availableIn = 8;
const nextOut = 24;
const availableOut = 32;

const deflated = 8;
/** 32 KiB, with gzip's header and trailer. */
const windowBits = 15 + 16;
const memoryLevel = 8;
const noFlush = 0;
const finish = 4;
const streamEnd = 1;
/** There was nothing to do: the room ended where the data did. */
const noProgress = -5;

const pieceSize = 64 * 1024;
const nothing = Buffer.allocUnsafeSlow(1);

let loaded: Zlib | undefined;

/** Bytes that come in pieces as one gzip member. Pieces must not change until the end. */
export class NativeGzip {
  readonly #zlib: Zlib;
  readonly #stream = Buffer.allocUnsafeSlow(streamSize).fill(0);
  readonly #waiting: Uint8Array[] = [];
  readonly #full: Buffer[] = [];
  #out = Buffer.allocUnsafeSlow(pieceSize);
  /** What is compressed just now. */
  #piece: Uint8Array | undefined;
  #finish: { resolve(bytes: Buffer): void; reject(error: Error): void } | undefined;
  #error: Error | undefined;
  #abandoned = false;

  private constructor(zlib: Zlib) {
    this.#zlib = zlib;
    this.#point(nextOut, availableOut, this.#out);
  }

  /** `level` 1 to 9; undefined where Node's zlib cannot be called. */
  static start(level: number): NativeGzip | undefined {
    try {
      loaded ??= nativeCalls<Zlib>(prototypes);
      const zlib = loaded;
      const gzip = new NativeGzip(zlib);
      const { version } = zlib;
      const code = zlib.begin(gzip.#stream, level, deflated, windowBits, memoryLevel, 0, version(), streamSize);
      return code === 0 ? gzip : undefined;
    } catch {
      return undefined;
    }
  }

  #point(next: number, available: number, bytes: Uint8Array): void {
    this.#stream.writeBigUInt64LE(BigInt(this.#zlib.address(bytes, nothing, 0)), next);
    this.#stream.writeUInt32LE(bytes.length, available);
  }

  /** Begins to compress a piece (less than 4 GiB), when those before it are. */
  write(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#waiting.push(piece);
    this.#next();
  }

  /** The whole member, when it is; `last` is its last piece, if there is one more. */
  finish(last?: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#finish = { resolve, reject };
      if (last !== undefined) this.#waiting.push(last);
      this.#next();
    });
  }

  /** Gives back the memory, in place of `finish`. */
  abandon(): void {
    this.#abandoned = true;
    if (this.#piece === undefined && this.#error === undefined) this.#end(new Error('given up'));
  }

  #next(): void {
    if (this.#piece !== undefined) return;
    const piece = this.#waiting.shift();
    if (piece === undefined && this.#finish === undefined) return;
    if (this.#error !== undefined) this.#finish?.reject(this.#error);
    else {
      this.#piece = piece ?? nothing;
      this.#point(nextIn, availableIn, piece ?? nothing.subarray(1));
      this.#deflate(this.#finish !== undefined && this.#waiting.length === 0 ? finish : noFlush);
    }
  }

  #deflate(flush: number): void {
    this.#zlib.deflate.async(this.#stream, flush, (error: Error | null, code: number) => {
      // A function of its own, so that the piece lives until here.
      if (this.#abandoned) this.#end(new Error('given up'));
      else if (error !== null || (code < 0 && code !== noProgress))
        this.#end(error ?? new Error(`zlib returned ${code}`));
      else if (code === streamEnd) this.#end(undefined);
      else if (this.#stream.readUInt32LE(availableOut) === 0) {
        this.#full.push(this.#out);
        this.#out = Buffer.allocUnsafeSlow(pieceSize);
        this.#point(nextOut, availableOut, this.#out);
        this.#deflate(flush);
      } else {
        this.#piece = undefined;
        this.#next();
      }
    });
  }

  #end(error: Error | undefined): void {
    const rest = this.#out.subarray(0, pieceSize - this.#stream.readUInt32LE(availableOut));
    this.#zlib.end(this.#stream);
    this.#piece = undefined;
    this.#error = error;
    if (error !== undefined) this.#finish?.reject(error);
    else this.#finish?.resolve(Buffer.concat([...this.#full, rest]));
  }
}
