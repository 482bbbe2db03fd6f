import { CoppiceError } from '@coppice/base';
import { hashBytes } from '@coppice/linux';

const pattern = /^[0-9a-f]{64}$/;

/** True for exactly 64 lower-case hex digits. */
export function isChecksum(text: string): boolean {
  return text.length === 64 && pattern.test(text);
}

/** Throws `Invalid`, with libostree's words, unless `text` is a checksum. Returns it. */
export function checkChecksum(text: string): string {
  if (isChecksum(text)) return text;
  if (text.length !== 64) throw new CoppiceError('Invalid', `Invalid rev ${sanitize(text)}`);
  const at = text.search(/[^0-9a-f]/);
  throw new CoppiceError('Invalid', `Invalid character '${text.charCodeAt(at)}' in rev '${text}'`);
}

function sanitize(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 64);
}

export function checksumBytes(checksum: string): Buffer {
  return Buffer.from(checkChecksum(checksum), 'hex');
}

/** Hex of 32 stored bytes; throws `Corrupt` for another length. */
export function checksumOfBytes(bytes: Uint8Array): string {
  if (bytes.length !== 32) {
    throw new CoppiceError('Corrupt', `Invalid checksum of length ${bytes.length} expected 32`);
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, 32).toString('hex');
}

/** Hex SHA-256 of bytes in memory. */
export function sha256(bytes: Uint8Array): string {
  return hashBytes('sha256', bytes);
}
