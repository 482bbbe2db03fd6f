// Sparse files in tar: the old GNU header ("S"), and PAX formats 0.0, 0.1 and 1.0.
import { CoppiceError } from '@coppice/base';
import type { ChunkReader } from './chunks.ts';
import { tarBlock } from './tar-entry.ts';
import { tarNumber } from './tar-number.ts';

/** `length` bytes of data at `offset` of the file; holes between. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

const extentLimit = 1_000_000;

function checked(extents: Extent[], size: number): Extent[] {
  let at = 0;
  for (const { offset, length } of extents) {
    if (offset < at || length < 0 || offset + length > size || !Number.isSafeInteger(offset + length))
      throw new CoppiceError('Corrupt', 'tar archive: bad sparse map');
    at = offset + length;
  }
  return extents;
}

/** The map in an `S` header block and its extension blocks. */
export function oldGnuSparse(block: Uint8Array, reader: ChunkReader): { extents: Extent[]; realSize: number } {
  const extents: Extent[] = [];
  const realSize = tarNumber(block, 483, 12);
  const take = (from: Uint8Array, at: number, count: number): void => {
    for (let i = 0; i < count; i++) {
      const offset = tarNumber(from, at + i * 24, 12);
      const length = tarNumber(from, at + i * 24 + 12, 12);
      if (length > 0) extents.push({ offset, length });
    }
  };
  take(block, 386, 4);
  let more = block[482] === 1;
  while (more) {
    if (extents.length > extentLimit) throw new CoppiceError('Limit', 'tar archive: sparse map too long');
    const extension = reader.takeCopy(tarBlock);
    take(extension, 0, 21);
    more = extension[504] === 1;
  }
  return { extents: checked(extents, realSize), realSize };
}

function pairs(numbers: readonly number[], size: number): Extent[] {
  const extents: Extent[] = [];
  for (let i = 0; i + 1 < numbers.length; i += 2)
    if (numbers[i + 1]! > 0) extents.push({ offset: numbers[i]!, length: numbers[i + 1]! });
  return checked(extents, size);
}

/** `offset,length,offset,length...` (PAX 0.0 and 0.1). */
export function sparseMapText(text: string, size: number): Extent[] {
  if (!/^\d{1,15}(,\d{1,15})*$/.test(text)) throw new CoppiceError('Corrupt', 'tar archive: bad sparse map');
  return pairs(text.split(',').map(Number), size);
}

/** The map at the head of the content (PAX 1.0): decimal lines, padded to a block. */
export function readSparseMap(reader: ChunkReader, end: number, size: number): Extent[] {
  let buffered = '';
  const start = reader.position;
  const line = (): number => {
    for (;;) {
      const newline = buffered.indexOf('\n');
      if (newline >= 0) {
        const digits = buffered.slice(0, newline);
        buffered = buffered.slice(newline + 1);
        if (!/^\d{1,15}$/.test(digits)) throw new CoppiceError('Corrupt', 'tar archive: bad sparse map');
        return Number(digits);
      }
      if (buffered.length > 20 || reader.position + tarBlock > end || reader.position - start > 64 * extentLimit)
        throw new CoppiceError('Corrupt', 'tar archive: bad sparse map');
      buffered += Buffer.from(reader.take(tarBlock)).toString('latin1');
    }
  };
  const count = line();
  if (count > extentLimit) throw new CoppiceError('Limit', 'tar archive: sparse map too long');
  const numbers: number[] = [];
  for (let i = 0; i < count * 2; i++) numbers.push(line());
  return pairs(numbers, size);
}

const zeros = new Uint8Array(65536);

/** The content with its holes filled. */
export function* sparseData(reader: ChunkReader, extents: readonly Extent[], size: number): Generator<Uint8Array> {
  let at = 0;
  const hole = function* (until: number): Generator<Uint8Array> {
    while (at < until) {
      const n = Math.min(zeros.length, until - at);
      at += n;
      yield zeros.subarray(0, n);
    }
  };
  for (const { offset, length } of extents) {
    yield* hole(offset);
    at += length;
    yield* reader.pieces(length);
  }
  yield* hole(size);
}
