import { createRequire } from 'node:module';
import { compressBytes, decompressBytes } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import { xzSize } from './xz-size.ts';

// liblzma of the system when there is one (it is wherever rpm, dpkg or systemd are), else our own coder.

interface Lzma {
  encode(input: Uint8Array): Promise<Uint8Array>;
  /** Undefined for what it does not take. */
  decode(input: Uint8Array, limit: number): Uint8Array | undefined;
  /** The same on another thread. */
  decodeAside(input: Uint8Array, limit: number): Promise<Uint8Array | undefined>;
}

type NativeCall = ((...args: unknown[]) => number) & {
  async(...args: unknown[]): void;
};

interface Koffi {
  load(name: string): { func(prototype: string): NativeCall };
  struct(name: string, members: Record<string, string>): unknown;
  pointer(type: string): unknown;
}

/** Preset 8 as the original's, with a dictionary that keeps the encoder below 100 MB. */
const preset = 8;
const maxDictionary = 8 * 1024 * 1024;
const checkCrc64 = 4;
const filterLzma2 = 0x21n;
const endOfFilters = 0xffffffffffffffffn;

let loaded: Lzma | null | undefined;

function native(): Lzma | null {
  if (loaded !== undefined) return loaded;
  try {
    loaded = loadNative();
  } catch {
    loaded = null;
  }
  return loaded;
}

function loadNative(): Lzma {
  const koffi = createRequire(import.meta.url)('koffi') as Koffi;
  const library = koffi.load('liblzma.so.5');
  koffi.struct('coppice_lzma_filter', { id: 'uint64_t', options: 'void *' });
  const lzmaPreset = library.func('uint8_t lzma_lzma_preset(_Inout_ uint8_t *options, uint32_t preset)');
  const bound = library.func('size_t lzma_stream_buffer_bound(size_t size)');
  const encode = library.func(
    'int lzma_stream_buffer_encode(coppice_lzma_filter *filters, int check, void *allocator, const uint8_t *in, size_t in_size, _Out_ uint8_t *out, _Inout_ size_t *out_pos, size_t out_size)',
  );
  const decode = library.func(
    'int lzma_stream_buffer_decode(_Inout_ uint64_t *memlimit, uint32_t flags, void *allocator, const uint8_t *in, _Inout_ size_t *in_pos, size_t in_size, _Out_ uint8_t *out, _Inout_ size_t *out_pos, size_t out_size)',
  );
  return {
    encode(input) {
      const options = Buffer.alloc(512);
      lzmaPreset(options, preset);
      options.writeUInt32LE(Math.min(options.readUInt32LE(0), maxDictionary), 0);
      const filters = [
        { id: filterLzma2, options },
        { id: endOfFilters, options: null },
      ];
      const out = Buffer.allocUnsafe(Number(bound(input.length)));
      const position = [0];
      return new Promise((resolve, reject) => {
        encode.async(
          filters,
          checkCrc64,
          null,
          input,
          input.length,
          out,
          position,
          out.length,
          (error: unknown, code: number) => {
            if (error) reject(error);
            else if (code !== 0) reject(new CoppiceError('Bug', `lzma_stream_buffer_encode: ${code}`));
            else resolve(out.subarray(0, Number(position[0])));
          },
        );
      });
    },
    decode(input, limit) {
      const call = prepare(input, limit);
      return call && taken(call, decode(...call.args));
    },
    decodeAside(input, limit) {
      const call = prepare(input, limit);
      if (call === undefined) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        decode.async(...call.args, (error: unknown, code: number) => resolve(taken(call, error ? -1 : code)));
      });
    },
  };
}

interface DecodeCall {
  readonly out: Uint8Array;
  readonly outPosition: readonly number[];
  readonly args: readonly unknown[];
}

/** Arguments of lzma_stream_buffer_decode, with room for exactly what the index announces. */
function prepare(input: Uint8Array, limit: number): DecodeCall | undefined {
  const size = xzSize(input);
  if (size === undefined || size > limit) return undefined;
  const out = Buffer.allocUnsafeSlow(size);
  const outPosition = [0];
  const memory = [BigInt(512 * 1024 * 1024)];
  return { out, outPosition, args: [memory, 0, null, input, [0], input.length, out, outPosition, size] };
}

function taken(call: DecodeCall, code: number): Uint8Array | undefined {
  return code === 0 && Number(call.outPosition[0]) === call.out.length ? call.out : undefined;
}

/** xz container of the bytes, made off the main thread where liblzma is there. */
export async function xzCompress(bytes: Uint8Array): Promise<Uint8Array> {
  const lzma = native();
  return lzma === null ? compressBytes(bytes, 'xz', { level: preset }) : lzma.encode(bytes);
}

/** Undoes an xz container. Throws `Corrupt`, or `Limit` over `limit` bytes of output. */
export function xzDecompress(bytes: Uint8Array, limit: number): Uint8Array {
  // What liblzma will not take is judged by our own decoder, whose words say why.
  return native()?.decode(bytes, limit) ?? decompressBytes(bytes, 'xz', limit);
}

/** As `xzDecompress`, off the main thread where liblzma is there. */
export async function xzDecompressAside(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  return (await native()?.decodeAside(bytes, limit)) ?? decompressBytes(bytes, 'xz', limit);
}
