// tar: v7, ustar, GNU (long names, base-256 numbers, sparse) and PAX.
import { CoppiceError } from '@coppice/base';
import { ChunkReader, type Chunks } from './chunks.ts';
import { PaxRecords, parsePax } from './pax.ts';
import { type TarEntry, type TarType, tarBlock } from './tar-entry.ts';
import { paxTime, tarNumber, textNumber } from './tar-number.ts';
import { type Extent, oldGnuSparse, readSparseMap, sparseData, sparseMapText } from './tar-sparse.ts';
import { decodeText } from './text.ts';

/** Largest long name or PAX header accepted. */
const metadataLimit = 8 * 1024 * 1024;

const corrupt = (what: string): CoppiceError => new CoppiceError('Corrupt', `tar archive: ${what}`);

function field(block: Uint8Array, at: number, length: number): string {
  let end = at;
  while (end < at + length && block[end] !== 0) end++;
  return decodeText(block.subarray(at, end));
}

function checksumFits(block: Uint8Array): boolean {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < tarBlock; i++) {
    const byte = i >= 148 && i < 156 ? 0x20 : block[i]!;
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const stored = tarNumber(block, 148, 8);
  return stored === unsigned || stored === signed;
}

function typeOf(flag: string, name: string): TarType {
  switch (flag) {
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '3':
      return 'char';
    case '4':
      return 'block';
    case '5':
    case 'D':
      return 'directory';
    case '6':
      return 'fifo';
    default:
      return name.endsWith('/') ? 'directory' : 'file';
  }
}

/** Bytes of a record; one that says nothing counts as none. */
const given = (records: PaxRecords, key: string): Uint8Array | undefined => {
  const value = records.get(key);
  return value === undefined || value.length === 0 ? undefined : value;
};

const text = (records: PaxRecords, key: string): string | undefined => {
  const value = given(records, key);
  return value === undefined ? undefined : decodeText(value);
};

/** A name; those of PAX are UTF-8 unless declared to be bytes. */
function nameRecord(records: PaxRecords, key: string, what: string): string | undefined {
  const value = text(records, key);
  if (value === undefined || !/[\udc80-\udcff]/.test(value) || text(records, 'hdrcharset') === 'BINARY') return value;
  throw new CoppiceError('Corrupt', `${what} can't be converted from UTF-8 to current locale.`);
}

function numberRecord(records: PaxRecords, key: string): number | undefined {
  const value = records.get(key);
  return value === undefined ? undefined : textNumber(value, 0, value.length, 10);
}

export interface TarReadOptions {
  /** Apply records of `g` members to the members that follow, as POSIX says and GNU tar does; libarchive does not. Default true. */
  readonly globalRecords?: boolean;
}

const mtimeOf = (records: PaxRecords): number | undefined => {
  const value = records.get('mtime');
  return value === undefined ? undefined : paxTime(value);
};

function merged(globals: PaxRecords, own: PaxRecords | undefined): PaxRecords {
  if (globals.size === 0 && globals.xattrs.length === 0) return own ?? new PaxRecords();
  const all = new PaxRecords([...globals, ...(own ?? [])]);
  all.xattrs.push(...globals.xattrs, ...(own?.xattrs ?? []));
  return all;
}

/** Members in archive order until the end-of-archive block (or the end of input). Throws `Corrupt` in libarchive's words, `Limit`. */
export function* readTar(source: Chunks, options: TarReadOptions = {}): Generator<TarEntry> {
  const reader = new ChunkReader(source, 'tar archive', 'Truncated tar archive');
  const globals = new PaxRecords();
  let records: PaxRecords | undefined;
  let longName: string | undefined;
  let longLink: string | undefined;
  const body = (size: number): Uint8Array => {
    if (size > metadataLimit) throw new CoppiceError('Limit', `tar archive: header of ${size} bytes`);
    const out = reader.takeCopy(size);
    reader.skip((tarBlock - (size % tarBlock)) % tarBlock);
    return out;
  };
  while (!reader.atEnd()) {
    const block = reader.takeCopy(tarBlock);
    if (block.every((byte) => byte === 0)) return;
    if (!checksumFits(block)) throw new CoppiceError('Corrupt', 'Damaged tar archive');
    const flag = String.fromCharCode(block[156]!);
    const stored = tarNumber(block, 124, 12);
    if (stored < 0) throw corrupt('negative size');
    if (flag === 'L' || flag === 'K') {
      const name = body(stored);
      const end = name.indexOf(0);
      const value = decodeText(end < 0 ? name : name.subarray(0, end));
      if (flag === 'L') longName = value;
      else longLink = value;
      continue;
    }
    if (flag === 'g') {
      const bytes = body(stored);
      if (options.globalRecords !== false) parsePax(bytes, globals);
      continue;
    }
    if (flag === 'x' || flag === 'X') {
      if (records !== undefined) throw new CoppiceError('Corrupt', 'Ignoring malformed pax extended attribute');
      records = new PaxRecords();
      parsePax(body(stored), records);
      continue;
    }
    if (flag === 'V') {
      body(stored);
      continue;
    }
    const all = merged(globals, records);
    records = undefined;
    const magic = field(block, 257, 6);
    const posix = magic === 'ustar' && block[262] === 0;
    const prefix = posix ? field(block, 345, 155) : '';
    const short = field(block, 0, 100);
    const name =
      nameRecord(all, 'GNU.sparse.name', 'Pathname') ??
      nameRecord(all, 'path', 'Pathname') ??
      longName ??
      (prefix === '' ? short : `${prefix}/${short}`);
    const link = nameRecord(all, 'linkpath', 'Linkname') ?? longLink ?? field(block, 157, 100);
    longName = undefined;
    longLink = undefined;
    const type = typeOf(flag, name);
    let packed = numberRecord(all, 'size') ?? stored;
    if (packed < 0) throw new CoppiceError('Corrupt', 'Tar size attribute is negative');
    // Only regular files (and hard links in PAX archives) have content.
    if (type !== 'file' && type !== 'hardlink') packed = 0;
    if (type === 'hardlink' && !all.has('size') && !posix) packed = 0;
    const paddedEnd = (start: number): number => start + packed + ((tarBlock - (packed % tarBlock)) % tarBlock);
    const start = reader.position;
    const end = paddedEnd(start);
    let extents: Extent[] | undefined;
    let size = packed;
    let dataLength = packed;
    let skipTo = end;
    if (flag === 'S') {
      const map = oldGnuSparse(block, reader);
      extents = map.extents;
      size = map.realSize;
      skipTo = paddedEnd(reader.position);
    } else if (all.has('GNU.sparse.major') || all.has('GNU.sparse.map')) {
      size = numberRecord(all, 'GNU.sparse.realsize') ?? numberRecord(all, 'GNU.sparse.size') ?? packed;
      if (all.has('GNU.sparse.map')) extents = sparseMapText(text(all, 'GNU.sparse.map')!, size);
      else {
        extents = readSparseMap(reader, end, size);
        dataLength = end - reader.position;
      }
    }
    const dataEnd = extents === undefined ? start + dataLength : skipTo;
    yield {
      path: name.length > 1 ? name.replace(/\/+$/, '') || '/' : name,
      type,
      mode: tarNumber(block, 100, 8) & 0o7777,
      uid: numberRecord(all, 'uid') ?? tarNumber(block, 108, 8),
      gid: numberRecord(all, 'gid') ?? tarNumber(block, 116, 8),
      uname: text(all, 'uname') ?? (magic.startsWith('ustar') ? field(block, 265, 32) : ''),
      gname: text(all, 'gname') ?? (magic.startsWith('ustar') ? field(block, 297, 32) : ''),
      size,
      mtime: mtimeOf(all) ?? tarNumber(block, 136, 12),
      linkTarget: type === 'hardlink' || type === 'symlink' ? link : '',
      devMajor: type === 'char' || type === 'block' ? tarNumber(block, 329, 8) : 0,
      devMinor: type === 'char' || type === 'block' ? tarNumber(block, 337, 8) : 0,
      xattrs: all.xattrs,
      data: () =>
        extents === undefined ? reader.pieces(dataEnd - reader.position) : sparseData(reader, extents, size),
    };
    if (reader.position > skipTo) throw corrupt('content is longer than its header says');
    reader.skip(skipTo - reader.position);
  }
}
