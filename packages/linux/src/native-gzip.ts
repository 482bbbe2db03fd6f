// gzip of whole documents on Node's own threads: Node's streams do it too, but they take milliseconds to load. Node exports the
// functions of its zlib to add-ons, so that koffi can call them.
import { loadKoffi } from './libc.ts';

interface NativeCall {
  (...args: (number | Uint8Array | BigUint64Array)[]): number;
  async(...args: unknown[]): void;
}

interface Zlib {
  readonly bound: NativeCall;
  readonly compress: NativeCall;
  readonly checksum: NativeCall;
}

let loaded: Zlib | null | undefined;

function zlib(): Zlib | undefined {
  if (loaded === undefined) {
    try {
      const library = loadKoffi().load(null);
      const call = (prototype: string): NativeCall => library.func(prototype) as unknown as NativeCall;
      loaded = {
        bound: call('unsigned long compressBound(unsigned long length)'),
        compress: call(
          'int compress2(uint8_t *out, void *outLength, const uint8_t *bytes, unsigned long length, int level)',
        ),
        checksum: call('unsigned long crc32_z(unsigned long before, const uint8_t *bytes, size_t length)'),
      };
    } catch {
      loaded = null;
    }
  }
  return loaded ?? undefined;
}

/** Magic, deflate, no flags, no time, no special level, Unix. */
const gzipHeader = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3);
/** What zlib's own format has before and after the deflated data, which gzip has otherwise. */
const zlibHeader = 2;
const zlibTrailer = 4;

/** `bytes` (less than 2 GiB) as one gzip member at `level` 1 to 9; undefined where Node's zlib cannot be called. */
export function nativeGzip(bytes: Uint8Array, level: number): Promise<Uint8Array> | undefined {
  const native = zlib();
  if (native === undefined) return undefined;
  const front = gzipHeader.length - zlibHeader;
  const room = native.bound(bytes.length);
  const out = Buffer.allocUnsafeSlow(front + room + 8);
  const length = BigUint64Array.of(BigInt(room));
  return new Promise((resolve, reject) => {
    native.compress.async(
      out.subarray(front),
      length,
      bytes,
      bytes.length,
      level,
      (error: Error | null, code: number) => {
        // The arguments live until here.
        if (error !== null || code !== 0) return reject(error ?? new Error(`zlib returned ${code}`));
        const end = front + Number(length[0]!) - zlibTrailer;
        out.set(gzipHeader);
        out.writeUInt32LE(native.checksum(0, bytes, bytes.length), end);
        out.writeUInt32LE(bytes.length, end + 4);
        resolve(out.subarray(0, end + 8));
      },
    );
  });
}
