// Synchronous streaming gzip and zstd with bounded memory. Node offers either streams (asynchronous) or one-shot
// calls (whole input and output in memory). The stream objects' own `writeSync` does one bounded step; it is what the
// one-shot calls are made of (lib/zlib.js, processChunkSync) and what npm's own tar reader has relied on for years.
import {
  constants,
  createDeflateRaw,
  createGunzip,
  createGzip,
  createInflateRaw,
  createZstdCompress,
  createZstdDecompress,
} from 'node:zlib';
import { CoppiceError } from '@coppice/base';
import type { Chunks } from './chunks.ts';

interface Handle {
  writeSync(
    flush: number,
    input: Uint8Array | null,
    inOffset: number,
    inLength: number,
    output: Uint8Array,
    outOffset: number,
    outLength: number,
  ): void;
  close(): void;
  onerror: (message: string, errno: number, code: string) => void;
}

interface Engine {
  readonly _handle: Handle;
  readonly _writeState: Uint32Array;
  on(event: 'error', listener: () => void): unknown;
}

/** Holds nothing of the stream that it is given to. */
const ignore = (): void => {};

const outputSize = 64 * 1024;

function* drive(engine: Engine, source: Chunks, what: string, none: number, finish: number): Generator<Uint8Array> {
  const handle = engine._handle;
  let failure: string | undefined;
  engine.on('error', ignore);
  handle.onerror = (message, _errno, code) => {
    failure = `${message}${code === 'Z_BUF_ERROR' ? ' (truncated)' : ''}`;
  };
  let output = Buffer.allocUnsafeSlow(outputSize);
  const empty = new Uint8Array(0);
  function* step(input: Uint8Array, flush: number): Generator<Uint8Array> {
    let at = 0;
    let left = input.length;
    for (;;) {
      handle.writeSync(flush, input, at, left, output, 0, outputSize);
      if (failure !== undefined) throw new CoppiceError('Corrupt', `${what}: ${failure}`);
      const spare = engine._writeState[0]!;
      const rest = engine._writeState[1]!;
      if (spare < outputSize) {
        // Given away for good: a consumer may keep pieces, and one 64 KiB buffer costs less than a mistake.
        yield output.subarray(0, outputSize - spare);
        output = Buffer.allocUnsafeSlow(outputSize);
      }
      const stuck = rest === left && spare === outputSize;
      at += left - rest;
      left = rest;
      if (spare > 0 && (left === 0 || stuck)) return;
    }
  }
  try {
    for (const chunk of source) if (chunk.length > 0) yield* step(chunk, none);
    yield* step(empty, finish);
  } finally {
    // Not the stream's own `close`, which stays in memory until the event loop turns; many calls may come before that.
    handle.close();
  }
}

/** Decompresses gzip (one or several members). Throws `Corrupt`. */
export function gunzipChunks(source: Chunks): Generator<Uint8Array> {
  return drive(createGunzip() as unknown as Engine, source, 'gzip data', constants.Z_NO_FLUSH, constants.Z_FINISH);
}

/** Decompresses a raw deflate stream. */
export function inflateRawChunks(source: Chunks): Generator<Uint8Array> {
  return drive(
    createInflateRaw() as unknown as Engine,
    source,
    'deflate data',
    constants.Z_NO_FLUSH,
    constants.Z_FINISH,
  );
}

export function gzipChunks(source: Chunks, level = 9): Generator<Uint8Array> {
  return drive(createGzip({ level }) as unknown as Engine, source, 'gzip', constants.Z_NO_FLUSH, constants.Z_FINISH);
}

export function deflateRawChunks(source: Chunks, level = 6): Generator<Uint8Array> {
  return drive(
    createDeflateRaw({ level }) as unknown as Engine,
    source,
    'deflate',
    constants.Z_NO_FLUSH,
    constants.Z_FINISH,
  );
}

/** Largest zstd window accepted, as a power of two: 128 MiB, what `zstd -d` accepts without `--long`. */
const zstdWindowLog = 27;

/** Decompresses zstd (one or several frames). Throws `Corrupt`, also for a stream that stops inside a frame. */
export function unzstdChunks(source: Chunks): Generator<Uint8Array> {
  return drive(
    createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog } }) as unknown as Engine,
    source,
    'zstd data',
    constants.ZSTD_e_continue,
    constants.ZSTD_e_end,
  );
}

export function zstdChunks(source: Chunks, level = 3): Generator<Uint8Array> {
  return drive(
    createZstdCompress({
      params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 0 },
    }) as unknown as Engine,
    source,
    'zstd',
    constants.ZSTD_e_continue,
    constants.ZSTD_e_end,
  );
}
