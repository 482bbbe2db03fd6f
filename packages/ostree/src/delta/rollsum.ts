import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { bytesEqual } from '@coppice/base';

/** A piece of a file whose ends are set by its content. */
interface Chunk {
  readonly offset: number;
  readonly size: number;
}

/** A run of the new file that stands in the old one too. */
export interface RollsumMatch {
  readonly toOffset: number;
  readonly fromOffset: number;
  readonly size: number;
}

export interface RollsumResult {
  /** In the order of the new file, not overlapping, neighbours joined. */
  readonly matches: readonly RollsumMatch[];
  readonly matchedChunks: number;
  readonly totalChunks: number;
  readonly matchedBytes: number;
}

const windowSize = 64;
const charOffset = 31;
const splitBits = 13;
const maxChunk = 32768;

/** Splits by the rolling sum of bup (window 64, 13 bits, at most 32 KiB). */
function split(bytes: Uint8Array): Chunk[] {
  const out: Chunk[] = [];
  const mask = (1 << splitBits) - 1;
  let start = 0;
  while (start < bytes.length) {
    const window = new Uint8Array(windowSize);
    let at = 0;
    let s1 = windowSize * charOffset;
    let s2 = windowSize * (windowSize - 1) * charOffset;
    const end = Math.min(bytes.length, start + maxChunk);
    let i = start;
    for (; i < end; i++) {
      const drop = window[at]!;
      const add = bytes[i]!;
      s1 = (s1 + add - drop) | 0;
      s2 = (s2 + s1 - windowSize * (drop + charOffset)) | 0;
      window[at] = add;
      at = (at + 1) & (windowSize - 1);
      if ((s2 & mask) === mask) {
        i++;
        break;
      }
    }
    out.push({ offset: start, size: i - start });
    start = i;
  }
  return out;
}

const piece = (bytes: Uint8Array, chunk: Chunk): Uint8Array => bytes.subarray(chunk.offset, chunk.offset + chunk.size);

function digest(bytes: Uint8Array, chunk: Chunk): string {
  return createHash('sha1')
    .update(bytes.subarray(chunk.offset, chunk.offset + chunk.size))
    .digest('hex');
}

/** The key that libostree gives a chunk: a sum of as many bytes from the start of the file. */
function startKey(bytes: Uint8Array, chunk: Chunk): string {
  return `${chunk.size} ${crc32(bytes.subarray(0, chunk.size))}`;
}

/** Finds the chunks of `to` that occur in `from`; `byStart` looks for them as libostree does. */
export function rollsum(from: Uint8Array, to: Uint8Array, byStart = false): RollsumResult {
  const keyOf = byStart ? startKey : digest;
  const known = new Map<string, Chunk[]>();
  for (const chunk of split(from)) {
    const key = keyOf(from, chunk);
    const list = known.get(key);
    if (list === undefined) known.set(key, [chunk]);
    else if (byStart) list.push(chunk);
  }
  const chunks = split(to);
  const matches: { toOffset: number; fromOffset: number; size: number }[] = [];
  let matchedChunks = 0;
  let matchedBytes = 0;
  for (const chunk of chunks) {
    const bytes = piece(to, chunk);
    const found = known.get(keyOf(to, chunk))?.find((c) => !byStart || bytesEqual(piece(from, c), bytes));
    if (found === undefined || found.size !== chunk.size) continue;
    matchedChunks++;
    matchedBytes += chunk.size;
    const last = matches.at(-1);
    if (
      last !== undefined &&
      last.toOffset + last.size === chunk.offset &&
      last.fromOffset + last.size === found.offset
    )
      last.size += chunk.size;
    else matches.push({ toOffset: chunk.offset, fromOffset: found.offset, size: chunk.size });
  }
  return { matches, matchedChunks, totalChunks: chunks.length, matchedBytes };
}
