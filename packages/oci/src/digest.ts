// Content digests of the OCI image specification: `sha256:HEX` (others are refused).
import { createHash } from 'node:crypto';
import { CoppiceError } from '@coppice/base';

/** The hex part; throws `Invalid` unless it is a SHA-256 digest. */
export function digestHex(digest: string): string {
  const match = /^sha256:([0-9a-f]{64})$/.exec(digest);
  if (match === null) throw new CoppiceError('Invalid', `invalid digest: ${JSON.stringify(digest.slice(0, 100))}`);
  return match[1]!;
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
