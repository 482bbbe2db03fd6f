// cpio "newc" (070701), "crc" (070702), the portable one of before ("odc", 070707; read only) and rpm's stripped variant (07070X: only an index into the package's file list).
import { CoppiceError } from '@coppice/base';
import { ChunkReader, type Chunks } from './chunks.ts';
import { decodeText, encodeText } from './text.ts';

/** Header fields of one member, as they stand in the archive. */
export interface CpioFields {
  readonly name: string;
  readonly ino: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly mtime: number;
  readonly size: number;
  readonly devMajor: number;
  readonly devMinor: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
}

/** A member of a stripped archive has only `index` and `size`; everything else is in the package header. */
export interface CpioEntry {
  /** Undefined in a stripped archive. */
  readonly fields: CpioFields | undefined;
  /** File list index in a stripped archive. */
  readonly index: number | undefined;
  readonly size: number;
  /** The content, once, before the next member is asked for; what is not read is skipped. */
  data(): Generator<Uint8Array>;
}

export interface CpioReadOptions {
  /** Size of file `index` in a stripped archive; without it such an archive is refused. */
  readonly sizeOf?: (index: number) => number;
  /** Most members (default ten million). */
  readonly maxEntries?: number;
}

const trailerName = 'TRAILER!!!';
const nameLimit = 4096 + 2;

function hex8(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const c = bytes[at + i]!;
    const digit = c >= 48 && c <= 57 ? c - 48 : c >= 97 && c <= 102 ? c - 87 : c >= 65 && c <= 70 ? c - 55 : -1;
    if (digit < 0) throw new CoppiceError('Corrupt', 'cpio archive: bad number in header');
    value = value * 16 + digit;
  }
  return value;
}

/** Widths of the octal numbers of a portable header behind its magic. */
const portableWidths = [6, 6, 6, 6, 6, 6, 6, 11, 6, 11];

function octal(text: string): number {
  if (!/^[0-7]+$/.test(text)) throw new CoppiceError('Corrupt', 'cpio archive: bad number in header');
  return Number.parseInt(text, 8);
}

/** The numbers of a portable header; its devices are not taken apart. */
function portableNumbers(reader: ChunkReader): { numbers: Omit<CpioFields, 'name'>; nameSize: number } {
  const head = Buffer.from(reader.take(70)).toString('latin1');
  let at = 0;
  const [dev, ino, mode, uid, gid, nlink, rdev, mtime, nameSize, size] = portableWidths.map((width) => {
    at += width;
    return octal(head.slice(at - width, at));
  }) as [number, number, number, number, number, number, number, number, number, number];
  const numbers = {
    ino,
    mode,
    uid,
    gid,
    nlink,
    mtime,
    size,
    devMajor: 0,
    devMinor: dev,
    rdevMajor: 0,
    rdevMinor: rdev,
  };
  return { numbers, nameSize };
}

function memberName(reader: ChunkReader, size: number): string {
  if (size < 1 || size > nameLimit) throw new CoppiceError('Corrupt', `cpio archive: name of ${size} bytes`);
  const raw = reader.take(size);
  const end = raw.indexOf(0);
  if (end !== size - 1) throw new CoppiceError('Corrupt', 'cpio archive: name is not terminated');
  return decodeText(raw.subarray(0, end));
}

/** Members in archive order up to the trailer. Throws `Corrupt` on bad headers or a missing trailer, `Limit`. */
export function* readCpio(source: Chunks, options: CpioReadOptions = {}): Generator<CpioEntry> {
  const reader = new ChunkReader(source, 'cpio archive');
  let aligned = true;
  const align = (): void => reader.skip(aligned ? (4 - (reader.position % 4)) % 4 : 0);
  const maxEntries = options.maxEntries ?? 10_000_000;
  for (let n = 0; ; n++) {
    if (n > maxEntries) throw new CoppiceError('Limit', `cpio archive has more than ${maxEntries} members`);
    const magic = Buffer.from(reader.take(6)).toString('latin1', 0, 6);
    let fields: CpioFields | undefined;
    let index: number | undefined;
    let size: number;
    if (magic === '070701' || magic === '070702') {
      const head = reader.take(104);
      const at = (k: number): number => hex8(head, k * 8);
      const nameSize = at(11);
      const values = {
        ino: at(0),
        mode: at(1),
        uid: at(2),
        gid: at(3),
        nlink: at(4),
        mtime: at(5),
        size: at(6),
        devMajor: at(7),
        devMinor: at(8),
        rdevMajor: at(9),
        rdevMinor: at(10),
      };
      fields = { name: memberName(reader, nameSize), ...values };
      size = values.size;
      align();
      if (fields.name === trailerName) return;
    } else if (magic === '070707') {
      const { numbers, nameSize } = portableNumbers(reader);
      aligned = false;
      fields = { name: memberName(reader, nameSize), ...numbers };
      size = numbers.size;
      if (fields.name === trailerName) return;
    } else if (magic === '07070X') {
      index = hex8(reader.take(8), 0);
      align();
      if (index === 0xffffffff) return;
      if (options.sizeOf === undefined)
        throw new CoppiceError('Corrupt', 'cpio archive: stripped member without a file list');
      size = options.sizeOf(index);
    } else throw new CoppiceError('Corrupt', `cpio archive: bad magic at byte ${reader.position - 6}`);
    const end = reader.position + size;
    const data = (): Generator<Uint8Array> => {
      if (reader.position > end) throw new CoppiceError('Bug', 'cpio archive: content asked for after the next member');
      return reader.pieces(end - reader.position);
    };
    yield { fields, index, size, data };
    reader.skip(end - reader.position);
    align();
  }
}

/** A member to write: with `index` it is written stripped, else as newc. `data` must give exactly `size` bytes. */
export interface CpioMember {
  readonly fields: CpioFields;
  readonly index?: number;
  readonly data?: Chunks;
}

function header(fields: CpioFields): Buffer {
  const name = encodeText(fields.name);
  const text = (value: number): string => {
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff)
      throw new CoppiceError('Limit', `cpio archive: ${value} does not fit (${fields.name})`);
    return value.toString(16).padStart(8, '0');
  };
  const head = `070701${[
    fields.ino,
    fields.mode,
    fields.uid,
    fields.gid,
    fields.nlink,
    fields.mtime,
    fields.size,
    fields.devMajor,
    fields.devMinor,
    fields.rdevMajor,
    fields.rdevMinor,
    name.length + 1,
    0,
  ]
    .map(text)
    .join('')}`;
  const length = 110 + name.length + 1;
  const out = Buffer.alloc(length + ((4 - (length % 4)) % 4));
  out.write(head, 'latin1');
  name.copy(out, 110);
  return out;
}

/** The archive of `members`, closed by the trailer; not padded to a block size. Throws `Invalid` when data and size differ. */
export function* writeCpio(members: Iterable<CpioMember>): Generator<Uint8Array> {
  for (const member of members) {
    if (member.index !== undefined) {
      yield Buffer.from(`07070X${member.index.toString(16).padStart(8, '0')}\0\0`, 'latin1');
    } else yield header(member.fields);
    let left = member.fields.size;
    if (member.data !== undefined) {
      for (const piece of member.data) {
        left -= piece.length;
        if (left < 0) break;
        yield piece;
      }
    }
    if (left !== 0) throw new CoppiceError('Invalid', `${member.fields.name}: size changed while it was archived`);
    const padding = (4 - (member.fields.size % 4)) % 4;
    if (padding > 0) yield new Uint8Array(padding);
  }
  // rpm closes stripped archives with the ordinary trailer too.
  yield header({
    name: trailerName,
    ino: 0,
    mode: 0,
    uid: 0,
    gid: 0,
    nlink: 1,
    mtime: 0,
    size: 0,
    devMajor: 0,
    devMinor: 0,
    rdevMajor: 0,
    rdevMinor: 0,
  });
}
