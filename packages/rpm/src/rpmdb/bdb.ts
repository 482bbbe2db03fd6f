// Berkeley DB hash files, read only: what rpm kept its Packages in until 2020. Every page is looked at in turn; the
// hash itself is of no interest.
import { CoppiceError } from '@coppice/base';

const hashMagic = 0x00061561;
const pageHash = 13;
const pageHashUnsorted = 2;
const pageOverflow = 7;
const itemData = 1;
const itemOffPage = 3;
const pageHeader = 26;

const corrupt = (why: string): CoppiceError => new CoppiceError('Corrupt', `Packages: ${why}`);

/** Key and value of every record, in page order. Throws `Corrupt`. */
export function* readBdbHash(file: Uint8Array): Generator<{ readonly key: Uint8Array; readonly value: Uint8Array }> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 512) throw corrupt('not a Berkeley DB file');
  const little = view.getUint32(12, true) === hashMagic;
  if (!little && view.getUint32(12) !== hashMagic) throw corrupt('not a Berkeley DB hash file');
  const u32 = (at: number): number => view.getUint32(at, little);
  const u16 = (at: number): number => view.getUint16(at, little);
  const pageSize = u32(20);
  if (pageSize < 512 || pageSize > 65536 || (pageSize & (pageSize - 1)) !== 0) throw corrupt(`page size ${pageSize}`);
  if (file[24] !== 0) throw new CoppiceError('Unsupported', 'Packages: encrypted');
  const pages = Math.floor(file.length / pageSize);

  const overflow = (first: number, length: number): Uint8Array => {
    if (length > file.length) throw corrupt('value longer than the file');
    const out = new Uint8Array(length);
    let at = 0;
    let page = first;
    // A chain longer than the file has pages runs in a circle.
    for (let n = 0; page !== 0; n++) {
      const start = page * pageSize;
      if (n > pages || page >= pages || file[start + 25] !== pageOverflow) throw corrupt('broken overflow chain');
      const next = u32(start + 16);
      const size = next === 0 ? u16(start + 22) : pageSize - pageHeader;
      if (size > pageSize - pageHeader || at + size > length) throw corrupt('overflow page of the wrong size');
      out.set(file.subarray(start + pageHeader, start + pageHeader + size), at);
      at += size;
      page = next;
    }
    if (at !== length) throw corrupt('value is truncated');
    return out;
  };

  for (let page = 1; page < pages; page++) {
    const start = page * pageSize;
    const type = file[start + 25];
    if (type !== pageHash && type !== pageHashUnsorted) continue;
    const entries = u16(start + 20);
    if (pageHeader + entries * 2 > pageSize) throw corrupt('too many entries on a page');
    const offsets: number[] = [];
    for (let i = 0; i < entries; i++) {
      const offset = u16(start + pageHeader + i * 2);
      if (offset < pageHeader || offset >= pageSize) throw corrupt('entry outside its page');
      offsets.push(offset);
    }
    const item = (i: number): Uint8Array | undefined => {
      const offset = offsets[i]!;
      // Items are stacked from the end of the page: each ends where the one before begins.
      const end = i === 0 ? pageSize : offsets[i - 1]!;
      const kind = file[start + offset];
      if (kind === itemData) {
        if (end <= offset) throw corrupt('items out of order');
        return file.subarray(start + offset + 1, start + end);
      }
      if (kind === itemOffPage) {
        if (offset + 12 > pageSize) throw corrupt('entry outside its page');
        return overflow(u32(start + offset + 4), u32(start + offset + 8));
      }
      return undefined;
    };
    for (let i = 0; i + 1 < entries; i += 2) {
      const key = item(i);
      const value = item(i + 1);
      if (key !== undefined && value !== undefined) yield { key, value };
    }
  }
}

/** Package number and header blob of every package. Record 0 holds the next free number. */
export function* readBdbPackages(file: Uint8Array): Generator<{ readonly hnum: number; readonly blob: Uint8Array }> {
  const little = file.length >= 16 && new DataView(file.buffer, file.byteOffset).getUint32(12, true) === hashMagic;
  for (const { key, value } of readBdbHash(file)) {
    if (key.length !== 4) continue;
    const hnum = new DataView(key.buffer, key.byteOffset, 4).getUint32(0, little);
    if (hnum !== 0 && value.length >= 16) yield { hnum, blob: value };
  }
}
