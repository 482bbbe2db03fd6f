import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** A piece of a file whose ends are set by its content. */
interface Chunk {
  readonly offset: number;
  readonly size: number;
  readonly digest: string;
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
  /** Different sums of chunks of the new file that chunks of the old one have too. */
  readonly matchedSums: number;
  readonly matchedChunks: number;
  readonly totalChunks: number;
  readonly matchedBytes: number;
}

const windowSize = 64;
const charOffset = 31;
const splitBits = 13;
const maxChunk = 32768;

/** Splits by the rolling sum of bup (window 64, 13 bits, at most 32 KiB). `start` is filled with the first bytes. */
function* split(pieces: Iterable<Uint8Array>, start: Uint8Array): Generator<Chunk> {
  const mask = (1 << splitBits) - 1;
  const chunk = Buffer.allocUnsafe(maxChunk);
  let offset = 0;
  let length = 0;
  let s1 = 0;
  let s2 = 0;
  const begin = (): void => {
    offset += length;
    length = 0;
    s1 = windowSize * charOffset;
    s2 = windowSize * (windowSize - 1) * charOffset;
  };
  const end = (): Chunk => {
    const bytes = chunk.subarray(0, length);
    if (offset < start.length) start.set(bytes.subarray(0, start.length - offset), offset);
    return { offset, size: length, digest: hash('sha1', bytes, 'base64') };
  };
  begin();
  for (const piece of pieces) {
    for (let i = 0; i < piece.length; ) {
      const add = piece[i++]!;
      const drop = length < windowSize ? 0 : chunk[length - windowSize]!;
      chunk[length++] = add;
      s1 = (s1 + add - drop) | 0;
      s2 = (s2 + s1 - windowSize * (drop + charOffset)) | 0;
      if ((s2 & mask) !== mask && length < maxChunk) continue;
      yield end();
      begin();
    }
  }
  if (length > 0) yield end();
}

/**
 * Finds the chunks of `to` that occur in `from`: anywhere, or as libostree looks for them, which takes the sum of as many
 * bytes from the start of the file for a chunk's own, so that only files that begin alike have any.
 */
export function rollsum(
  from: Iterable<Uint8Array>,
  to: Iterable<Uint8Array>,
  where: 'anywhere' | 'at the same start' = 'anywhere',
): RollsumResult {
  const sum = (chunk: Chunk, start: Uint8Array): string =>
    where === 'at the same start' ? String(crc32(start.subarray(0, chunk.size))) : chunk.digest;
  const known = new Map<string, Chunk>();
  const sums = new Set<string>();
  const fromStart = new Uint8Array(maxChunk);
  for (const chunk of split(from, fromStart)) {
    const its = sum(chunk, fromStart);
    sums.add(its);
    const key = `${its} ${chunk.digest}`;
    if (!known.has(key)) known.set(key, chunk);
  }
  const sumsFound = new Set<string>();
  const matches: { toOffset: number; fromOffset: number; size: number }[] = [];
  let matchedChunks = 0;
  let matchedBytes = 0;
  let totalChunks = 0;
  const toStart = new Uint8Array(maxChunk);
  for (const chunk of split(to, toStart)) {
    totalChunks++;
    const its = sum(chunk, toStart);
    if (sums.has(its)) sumsFound.add(its);
    const found = known.get(`${its} ${chunk.digest}`);
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
  return { matches, matchedSums: sumsFound.size, matchedChunks, totalChunks, matchedBytes };
}
