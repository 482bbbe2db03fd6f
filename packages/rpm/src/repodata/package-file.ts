// One package file as createrepo describes it.
import { createHash, hash } from 'node:crypto';
import { constants } from 'node:fs';
import { errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import { rpmvercmp } from '../evr.ts';
import { SigTag, Tag } from '../header/tag.ts';
import { type RpmPackage, readPackage } from '../package/rpm-package.ts';
import { checksumAlgorithm } from './load-repository.ts';
import { describePackage, type RepositoryPackage } from './repository-package.ts';

/** What stands for a file's content, and its state when it was read. */
export interface FileDigest {
  /** Hex. */
  readonly digest: string;
  readonly size: number;
  readonly mtimeMs: number;
}

export interface DescribeFileOptions {
  readonly fs?: FileSystem;
  /** `sha256` (default), `sha1` ... */
  readonly checksum?: string;
  readonly changelogLimit?: number;
  readonly baseUrl?: string;
  /** Working memory; a file that fits is read once. */
  readonly buffer?: Buffer;
  /** Known already, so that only the headers are read. */
  readonly content?: FileDigest;
}

/** Opens `path`, runs `work` and closes it. */
function withFile<T>(fs: FileSystem, path: string, work: (fd: number) => T): T {
  let fd: number;
  try {
    fd = fs.open(path, constants.O_RDONLY);
  } catch (error) {
    throw errnoError(error, path);
  }
  try {
    return work(fd);
  } finally {
    fs.close(fd);
  }
}

/** The file's digest, and the package in it: of a small file from memory, which holds until the buffer is used again. */
function digestAndOpen(
  fs: FileSystem,
  path: string,
  algorithm: string,
  buffer: Buffer,
): FileDigest & { pkg: RpmPackage } {
  return withFile(fs, path, (fd) => {
    const { size, mtimeMs } = fs.fstat(fd);
    let total = 0;
    if (size <= buffer.length) {
      while (total < size) {
        const n = fs.read(fd, buffer, total, size - total, null);
        if (n === 0) break;
        total += n;
      }
      const bytes = buffer.subarray(0, total);
      const pkg = readPackage(bytes, { fs, name: path });
      return { digest: hash(algorithm, bytes), pkg, size: total, mtimeMs };
    }
    const digest = createHash(algorithm);
    for (let n = -1; n !== 0; total += n) {
      n = fs.read(fd, buffer, 0, buffer.length, null);
      digest.update(buffer.subarray(0, n));
    }
    return { digest: digest.digest('hex'), pkg: readPackage(path, { fs }), size: total, mtimeMs };
  });
}

/** What createrepo says about one package file. Throws what `readPackage` throws. */
export function describePackageFile(path: string, href: string, options: DescribeFileOptions = {}): RepositoryPackage {
  const checksum = options.checksum ?? 'sha256';
  const algorithm = checksumAlgorithm(checksum);
  const fs = options.fs ?? hostFs;
  const { digest, pkg, size, mtimeMs } =
    options.content === undefined
      ? digestAndOpen(fs, path, algorithm, options.buffer ?? Buffer.allocUnsafe(256 * 1024))
      : { ...options.content, pkg: readPackage(path, { fs }) };
  const { signature } = pkg;
  return describePackage(pkg.header, {
    checksum: { type: checksum, value: digest },
    fileTime: Math.floor(mtimeMs / 1000),
    fileSize: size,
    location: options.baseUrl === undefined ? { href } : { href, base: options.baseUrl },
    headerRange: pkg.headerRange,
    archiveSize:
      signature.getNumber(SigTag.PayloadSize) ??
      pkg.header.getNumber(Tag.ArchiveSize) ??
      signature.getNumber(Tag.LongArchiveSize) ??
      0,
    compareVersions: rpmvercmp,
    ...(options.changelogLimit === undefined ? {} : { changelogLimit: options.changelogLimit }),
  });
}
