import { createHash } from 'node:crypto';
import { encodeFileHeader } from '../codec/file-header.ts';
import type { LoadedFile } from '../store/load-file.ts';

/** Checksum of a content object from what is stored. */
export function checksumOfFile(file: LoadedFile): string {
  const digest = createHash('sha256').update(encodeFileHeader(file.header));
  for (const piece of file.read()) digest.update(piece);
  return digest.digest('hex');
}
