import { CoppiceError } from '@coppice/base';

/** CRC-24 of RFC 4880 section 6.1. */
function crc24(bytes: Uint8Array): number {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let i = 0; i < 8; i++) {
      crc <<= 1;
      if (crc & 0x1000000) crc ^= 0x1864cfb;
    }
  }
  return crc & 0xffffff;
}

export type ArmorKind = 'PUBLIC KEY BLOCK' | 'PRIVATE KEY BLOCK' | 'SIGNATURE' | 'MESSAGE';

/** True when the bytes are text with an OpenPGP armor header line rather than packets (whose first bit is always set). */
export function isArmored(bytes: Uint8Array): boolean {
  const first = bytes[0];
  if (first === undefined || first >= 0x80) return false;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('-----BEGIN PGP ');
}

/**
 * The packets inside all armored blocks of a text, joined; binary input is returned as it is. A wrong CRC-24 is
 * `Corrupt`; a missing one is allowed (RFC 9580 drops it). Text around the blocks is ignored.
 */
export function dearmor(bytes: Uint8Array): Uint8Array {
  if (!isArmored(bytes)) return bytes;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const blocks: Buffer[] = [];
  const pattern = /^-----BEGIN PGP ([A-Z ,/0-9]+)-----[ \t\r]*\n([\s\S]*?)^-----END PGP \1-----/gm;
  for (const match of text.matchAll(pattern)) {
    const lines = match[2]!.split('\n').map((line) => line.trim());
    const blank = lines.indexOf('');
    const headerLess = lines.findIndex((line) => !/^[A-Za-z]+: /.test(line));
    const start =
      blank >= 0 && lines.slice(0, blank).every((line) => /^[A-Za-z]+:/.test(line)) ? blank + 1 : headerLess;
    let data = '';
    let sum: string | undefined;
    for (const line of lines.slice(Math.max(0, start))) {
      if (/^=[A-Za-z0-9+/]{4}$/.test(line)) sum = line.slice(1);
      else data += line;
    }
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(data)) throw new CoppiceError('Corrupt', 'OpenPGP armor: invalid base64');
    const block = Buffer.from(data, 'base64');
    if (sum !== undefined && Buffer.from(sum, 'base64').readUIntBE(0, 3) !== crc24(block)) {
      throw new CoppiceError('Corrupt', 'OpenPGP armor: checksum mismatch');
    }
    blocks.push(block);
  }
  if (blocks.length === 0) throw new CoppiceError('Corrupt', 'OpenPGP armor: no complete block');
  return Buffer.concat(blocks);
}

/** The armored text of `bytes`, with 64-column lines and a CRC, as `gpg --armor` writes it. */
export function armor(kind: ArmorKind, bytes: Uint8Array): string {
  const data = Buffer.from(bytes).toString('base64');
  const lines = data.match(/.{1,64}/g) ?? [];
  const sum = Buffer.alloc(3);
  sum.writeUIntBE(crc24(bytes), 0, 3);
  return `-----BEGIN PGP ${kind}-----\n\n${lines.join('\n')}\n=${sum.toString('base64')}\n-----END PGP ${kind}-----\n`;
}
