// A parsed package table on disk: the arrays as they are in memory, so that 60,000 packages load in the time it takes to
// read the file. Two files: what solving needs, and the texts that are shown of a package, which are read when asked for.
// Valid for one repomd.xml and one version of this layout; anything else is as if it were not there.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { crc32 } from '@coppice/archive';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, readFile, replaceFile } from '@coppice/linux';
import {
  detailColumns,
  listColumns,
  numberColumns,
  PackageTable,
  type TableDetails,
  textColumns,
} from './package-table.ts';
import { StringTable } from './string-table.ts';

/** Raised with every change of the layout. */
const layoutVersion = 2;
const magic = 0x52504343;
const headWords = 16;
/** Words of the head before the section sizes: magic, version, checksum. */
const sizesAt = 3;
const bodyAt = headWords * 4 + 32;
const sizeLimit = 2 ** 31 - 1;

/** What a cache stands for: the metadata's index, byte for byte. */
export function cacheKey(repomd: Uint8Array): Buffer {
  return createHash('sha256').update(repomd).digest();
}

/** File name of a cache below a cache folder. */
export function cachePath(dir: string, key: Buffer): string {
  return join(dir, `${key.toString('hex').slice(0, 32)}.packages`);
}

const detailsPath = (path: string): string => `${path.slice(0, -'packages'.length)}details`;

const align = (n: number): number => (n + 7) & ~7;

function writeSections(path: string, key: Buffer, sections: readonly ArrayBufferView[], fs: FileSystem): boolean {
  const sizes = sections.map((s) => s.byteLength);
  const total = bodyAt + sizes.reduce((n, size) => n + align(size), 0);
  if (total > sizeLimit) return false;
  const out = Buffer.alloc(total);
  let at = bodyAt;
  for (const section of sections) {
    out.set(new Uint8Array(section.buffer, section.byteOffset, section.byteLength), at);
    at += align(section.byteLength);
  }
  key.copy(out, headWords * 4);
  const head = new Uint32Array(out.buffer, out.byteOffset, headWords);
  head.set([magic, layoutVersion, crc32(out.subarray(headWords * 4)), ...sizes]);
  replaceFile(path, out, { fs });
  return true;
}

/** The sections of a file, or undefined when it is not there, of another key or not whole. */
function readSections(path: string, key: Buffer, count: number, fs: FileSystem): Buffer[] | undefined {
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
  if (file.length < bodyAt) return undefined;
  const head = new Uint32Array(file.buffer, file.byteOffset, headWords);
  if (head[0] !== magic || head[1] !== layoutVersion) return undefined;
  if (Buffer.compare(file.subarray(headWords * 4, bodyAt), key) !== 0) return undefined;
  if (crc32(file.subarray(headWords * 4)) !== head[2]) return undefined;
  const out: Buffer[] = [];
  let at = bodyAt;
  for (let i = 0; i < count; i++) {
    const size = head[sizesAt + i]!;
    if (at + size > file.length) return undefined;
    out.push(file.subarray(at, at + size));
    at += align(size);
  }
  return out;
}

const words = (section: Buffer): Uint32Array =>
  new Uint32Array(section.buffer, section.byteOffset, section.length >>> 2);

/** Writes the table. */
export function saveTable(path: string, key: Buffer, table: PackageTable, fs: FileSystem = hostFs): void {
  const { strings, texts, starts, lists, dependencies } = table.parts;
  const { details } = table;
  const [main, shown] = [strings.dump(), details.strings.dump()];
  const sections = [details.numbers, details.texts, shown.offsets, shown.bytes];
  if (!writeSections(detailsPath(path), key, sections, fs)) return;
  writeSections(path, key, [texts, starts, lists, dependencies, main.offsets, main.bytes, strings.index()], fs);
}

function loadDetails(path: string, key: Buffer, count: number, fs: FileSystem): TableDetails | undefined {
  const sections = readSections(path, key, 4, fs);
  if (sections === undefined) return undefined;
  const [first, texts, offsets, bytes] = sections as [Buffer, Buffer, Buffer, Buffer];
  const numbers = new Float64Array(first.buffer, first.byteOffset, first.length >>> 3);
  if (numbers.length !== count * numberColumns.length) return undefined;
  if (texts.length >>> 2 !== count * detailColumns.length) return undefined;
  return { numbers, texts: words(texts), strings: StringTable.restore(words(offsets), bytes) };
}

/**
 * The cached table, or undefined when there is none that fits and is whole. `again` makes the table from the metadata:
 * the way to the details when their file has gone meanwhile.
 */
export function loadTable(
  path: string,
  key: Buffer,
  again: () => PackageTable,
  fs: FileSystem = hostFs,
): PackageTable | undefined {
  const sections = readSections(path, key, 7, fs);
  if (sections === undefined) return undefined;
  const [texts, starts, lists, dependencies, offsets, bytes, slots] = sections as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  const count = (texts.length >>> 2) / textColumns.length;
  if (!Number.isInteger(count) || starts.length >>> 2 !== count * listColumns + 1) return undefined;
  const index = new Int32Array(slots.buffer, slots.byteOffset, slots.length >>> 2);
  return new PackageTable({
    strings: StringTable.restore(words(offsets), bytes, index),
    texts: words(texts),
    starts: words(starts),
    lists: words(lists),
    dependencies: words(dependencies),
    details: () => loadDetails(detailsPath(path), key, count, fs) ?? again().details,
  });
}
