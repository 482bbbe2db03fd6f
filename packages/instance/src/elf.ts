import { ByteReader, CoppiceError } from '@coppice/base';

/** The program interpreter (dynamic loader) a 64-bit little-endian ELF file asks for; undefined for static or other files. System V gABI, chapter 5. */
export function programInterpreter(bytes: Uint8Array): string | undefined {
  if (bytes.length < 64 || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46)
    return undefined;
  if (bytes[4] !== 2 || bytes[5] !== 1)
    throw new CoppiceError('Unsupported', 'only 64-bit little-endian programs can be bound');
  const head = new ByteReader(bytes, 'ELF header', 32);
  const tableOffset = Number(head.u64le());
  head.offset = 54;
  const entrySize = head.u16le();
  const count = head.u16le();
  for (let i = 0; i < count; i++) {
    const entry = new ByteReader(bytes, 'ELF program header', tableOffset + i * entrySize);
    if (entry.u32le() !== 3) continue; // PT_INTERP
    entry.skip(4);
    const offset = Number(entry.u64le());
    entry.skip(16);
    const size = Number(entry.u64le());
    const name = new ByteReader(bytes, 'ELF interpreter', offset).take(size);
    return Buffer.from(name.subarray(0, Math.max(0, size - 1))).toString();
  }
  return undefined;
}
