import { decompressBytes } from '@coppice/archive';
import { loadKoffi } from '@coppice/linux';
import { xzSize } from './xz-size.ts';

// liblzma of the system when there is one (it is wherever rpm, dpkg or systemd are), else our own coder.

/** Gives memory of so many bytes for a payload. */
export type Room = (size: number) => Uint8Array;

interface Lzma {
  /** Undefined for what it does not take. */
  decode(input: Uint8Array, limit: number): Uint8Array | undefined;
  /** The same on another thread, into what `room` gives. */
  decodeAside(input: Uint8Array, limit: number, room: Room): Promise<Uint8Array | undefined>;
}

type NativeCall = ((...args: unknown[]) => number) & {
  async(...args: unknown[]): void;
};

interface Koffi {
  load(name: string): { func(prototype: string): NativeCall };
}

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
  const library = (loadKoffi() as unknown as Koffi).load('liblzma.so.5');
  const decode = library.func(
    'int lzma_stream_buffer_decode(_Inout_ uint64_t *memlimit, uint32_t flags, void *allocator, const uint8_t *in, _Inout_ size_t *in_pos, size_t in_size, _Out_ uint8_t *out, _Inout_ size_t *out_pos, size_t out_size)',
  );
  return {
    decode(input, limit) {
      const call = prepare(input, limit);
      return call && taken(call, decode(...call.args));
    },
    decodeAside(input, limit, room) {
      const call = prepare(input, limit, room);
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
function prepare(input: Uint8Array, limit: number, room: Room = Buffer.allocUnsafeSlow): DecodeCall | undefined {
  const size = xzSize(input);
  if (size === undefined || size > limit) return undefined;
  const out = room(size);
  const outPosition = [0];
  const memory = [BigInt(512 * 1024 * 1024)];
  return { out, outPosition, args: [memory, 0, null, input, [0], input.length, out, outPosition, size] };
}

function taken(call: DecodeCall, code: number): Uint8Array | undefined {
  return code === 0 && Number(call.outPosition[0]) === call.out.length ? call.out : undefined;
}

/** Undoes an xz container. Throws `Corrupt`, or `Limit` over `limit` bytes of output. */
export function xzDecompress(bytes: Uint8Array, limit: number): Uint8Array {
  // What liblzma will not take is judged by our own decoder, whose words say why.
  return native()?.decode(bytes, limit) ?? decompressBytes(bytes, 'xz', limit);
}

/** As `xzDecompress`, off the main thread and into what `room` gives where liblzma is there. */
export async function xzDecompressAside(bytes: Uint8Array, limit: number, room: Room): Promise<Uint8Array> {
  return (await native()?.decodeAside(bytes, limit, room)) ?? decompressBytes(bytes, 'xz', limit);
}
