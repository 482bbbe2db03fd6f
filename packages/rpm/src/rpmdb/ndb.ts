// rpm's "ndb" database, read only: Packages.db is an array of 16-byte slots in 4096-byte pages, each naming a run of
// 16-byte blocks that holds one header blob between a head and a tail. Little-endian throughout.
import { ByteReader, CoppiceError } from '@coppice/base';

const headerMagic = 0x506d7052; // "RpmP"
const slotMagic = 0x746f6c53; // "Slot"
const blobMagic = 0x53626c42; // "BlbS"
const tailMagic = 0x45626c42; // "BlbE"
const blockSize = 16;
const slotsPerPage = 4096 / blockSize;

/** Package number and header blob of every package, by number. Throws `Corrupt`. */
export function* readNdb(file: Uint8Array): Generator<{ readonly hnum: number; readonly blob: Uint8Array }> {
  const head = new ByteReader(file, 'Packages.db');
  if (head.u32le() !== headerMagic) throw new CoppiceError('Corrupt', 'Packages.db: bad magic');
  if (head.u32le() !== 0) throw new CoppiceError('Unsupported', 'Packages.db: unknown version');
  head.skip(4);
  const pages = head.u32le();
  if (pages * 4096 > file.length) throw new CoppiceError('Corrupt', 'Packages.db: truncated slot pages');
  const slots: { hnum: number; offset: number; blocks: number }[] = [];
  // The header takes the room of the first two slots.
  const reader = new ByteReader(file, 'Packages.db', 2 * blockSize);
  for (let i = 2; i < pages * slotsPerPage; i++) {
    if (reader.u32le() !== slotMagic) throw new CoppiceError('Corrupt', `Packages.db: bad slot ${i}`);
    const hnum = reader.u32le();
    const offset = reader.u32le() * blockSize;
    const blocks = reader.u32le();
    if (hnum !== 0) slots.push({ hnum, offset, blocks });
  }
  slots.sort((a, b) => a.hnum - b.hnum);
  for (const { hnum, offset, blocks } of slots) {
    if (offset + blocks * blockSize > file.length)
      throw new CoppiceError('Corrupt', `Packages.db: package ${hnum} is truncated`);
    const blob = new ByteReader(file.subarray(offset, offset + blocks * blockSize), `Packages.db: package ${hnum}`);
    if (blob.u32le() !== blobMagic || blob.u32le() !== hnum)
      throw new CoppiceError('Corrupt', `Packages.db: package ${hnum} is damaged`);
    blob.skip(4);
    const length = blob.u32le();
    const bytes = blob.take(length);
    const tail = new ByteReader(blob.bytes, `Packages.db: package ${hnum}`, blob.bytes.length - 12);
    tail.skip(4);
    if (tail.u32le() !== length || tail.u32le() !== tailMagic)
      throw new CoppiceError('Corrupt', `Packages.db: package ${hnum} is damaged`);
    yield { hnum, blob: bytes };
  }
}
