import type { Compression } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';

const kinds: Readonly<Record<string, Compression>> = {
  gz: 'gzip',
  gzip: 'gzip',
  zstd: 'zstd',
  zst: 'zstd',
  xz: 'xz',
  bz2: 'bzip2',
  bzip2: 'bzip2',
  none: 'none',
};

/** The compression that a flag names. Throws `Usage`. */
export function compressionOf(flag: string, kind: string): Compression {
  const compression = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (compression === undefined) throw new CoppiceError('Usage', `${flag}: unknown compression ${kind}`);
  return compression;
}

/** The checksum that a flag names. Throws `Usage`. */
export function checksumOf(flag: string, type: string): string {
  if (!['md5', 'sha', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'].includes(type))
    throw new CoppiceError('Usage', `${flag}: unknown checksum ${type}`);
  return type;
}
