// A parsed package table on disk: the arrays as they are in memory, so that 60,000 packages load in the time it takes to
// read the file. Valid for one repomd.xml and one version of this layout; anything else is as if it were not there.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { crc32 } from '@coppice/archive';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, readFile, replaceFile } from '@coppice/linux';
import { listColumns, numberColumns, PackageTable, textColumns } from './package-table.ts';
import { StringTable } from './string-table.ts';

/** Raised with every change of the layout. */
const layoutVersion = 1;
const magic = 0x52504343;
const headWords = 16;
const sizeLimit = 2 ** 31 - 1;

/** What a cache stands for: the metadata's index, byte for byte. */
export function cacheKey(repomd: Uint8Array): Buffer {
  return createHash('sha256').update(repomd).digest();
}

/** File name of a cache below a cache folder. */
export function cachePath(dir: string, key: Buffer): string {
  return join(dir, `${key.toString('hex').slice(0, 32)}.packages`);
}

const align = (n: number): number => (n + 7) & ~7;

/** Writes the table. Failing is the caller's to ignore. */
export function saveTable(path: string, key: Buffer, table: PackageTable, fs: FileSystem = hostFs): void {
  const { strings, texts, numbers, starts, lists, dependencies } = table.parts;
  const { offsets, bytes } = strings.dump();
  const sections: ArrayBufferView[] = [numbers, texts, starts, lists, dependencies, offsets, bytes];
  const sizes = sections.map((s) => s.byteLength);
  const total = headWords * 4 + 32 + sizes.reduce((n, size) => n + align(size), 0);
  if (total > sizeLimit) return;
  const out = Buffer.alloc(total);
  let at = headWords * 4 + 32;
  for (const section of sections) {
    out.set(new Uint8Array(section.buffer, section.byteOffset, section.byteLength), at);
    at += align(section.byteLength);
  }
  key.copy(out, headWords * 4);
  const head = new Uint32Array(out.buffer, out.byteOffset, headWords);
  head.set([magic, layoutVersion, crc32(out.subarray(headWords * 4)), ...sizes]);
  replaceFile(path, out, { fs });
}

/** The cached table, or undefined when there is none that fits and is whole. */
export function loadTable(path: string, key: Buffer, fs: FileSystem = hostFs): PackageTable | undefined {
  if (fs.stat(path) === undefined) return undefined;
  let file: Buffer;
  try {
    file = readFile(path, { fs, limit: sizeLimit });
  } catch {
    return undefined;
  }
  // Typed arrays need their alignment: small files come out of a pool.
  if (file.byteOffset % 8 !== 0) {
    const moved = Buffer.from(new ArrayBuffer(file.length));
    file.copy(moved);
    file = moved;
  }
  const start = headWords * 4 + 32;
  if (file.length < start) return undefined;
  const head = new Uint32Array(file.buffer, file.byteOffset, headWords);
  if (head[0] !== magic || head[1] !== layoutVersion) return undefined;
  if (Buffer.compare(file.subarray(headWords * 4, start), key) !== 0) return undefined;
  if (crc32(file.subarray(headWords * 4)) !== head[2]) return undefined;
  const sizes = head.subarray(3, 10);
  let at = start;
  const section = (i: number): [number, number] => {
    const from = file.byteOffset + at;
    at += align(sizes[i]!);
    return [from, sizes[i]!];
  };
  const words = (i: number): Uint32Array => {
    const [from, size] = section(i);
    return new Uint32Array(file.buffer, from, size / 4);
  };
  const [numbersAt, numbersSize] = section(0);
  const numbers = new Float64Array(file.buffer, numbersAt, numbersSize / 8);
  const texts = words(1);
  const starts = words(2);
  const lists = words(3);
  const dependencies = words(4);
  const offsets = words(5);
  const [bytesAt, bytesSize] = section(6);
  const count = numbers.length / numberColumns.length;
  if (texts.length !== count * textColumns.length || starts.length !== count * listColumns + 1) return undefined;
  const strings = StringTable.restore(offsets, Buffer.from(file.buffer, bytesAt, bytesSize));
  return new PackageTable({ strings, texts, numbers, starts, lists, dependencies });
}
