// Digests of packages kept from one createrepo to the next, in files named as createrepo_c's --cachedir names them.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { basename, join } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, readFile, replaceFile } from '@coppice/linux';
import { SigTag, Tag } from '../header/tag.ts';
import { digestLength } from '../package/hash-algorithm.ts';
import { type RpmPackage, readPackage } from '../package/rpm-package.ts';
import { checksumAlgorithm } from './load-repository.ts';
import type { FileDigest } from './package-file.ts';

/** A folder with one file for each package: its name says which package it was, its content is the digest. */
export class DigestCache {
  readonly #dir: string;
  readonly #fs: FileSystem;
  readonly #algorithm: string;
  readonly #pattern: RegExp;
  readonly #buffer = Buffer.allocUnsafeSlow(256 * 1024);

  /** Makes the folder where there is none. Throws `NotFound`, `Invalid` and the like. */
  constructor(dir: string, checksum: string, fs: FileSystem = hostFs) {
    this.#dir = dir;
    this.#fs = fs;
    this.#algorithm = checksumAlgorithm(checksum);
    this.#pattern = new RegExp(`^[0-9a-f]{${digestLength(this.#algorithm)}}$`);
    const there = fs.stat(dir);
    if (there !== undefined) {
      if ((there.mode & 0o170000) !== 0o040000)
        throw new CoppiceError('Invalid', `${dir} already exists and it is not a directory`);
      return;
    }
    try {
      fs.mkdir(dir, 0o775);
    } catch (error) {
      throw errnoError(error, `cannot use cachedir ${dir}`);
    }
  }

  /** Of what in a package changes with its content: signatures and the digest of its header. */
  #name(path: string, { header, signature }: RpmPackage, mtimeMs: number): string {
    const key = createHash(this.#algorithm);
    for (const tag of [SigTag.Gpg, SigTag.Pgp]) {
      const bytes = signature.getBinary(tag);
      if (bytes !== undefined) key.update(bytes);
    }
    key.update(signature.getString(Tag.Sha1Header) ?? '');
    const size = header.getNumber(Tag.Size) ?? header.getNumber(Tag.LongSize) ?? 0;
    return `${basename(path)}-${key.digest('hex')}-${size}-${Math.floor(mtimeMs / 1000)}`;
  }

  #known(file: string): string | undefined {
    if (this.#fs.stat(file) === undefined) return undefined;
    try {
      const text = readFile(file, { fs: this.#fs, limit: 1024 }).toString('latin1').trim();
      return this.#pattern.test(text) ? text : undefined;
    } catch {
      return undefined;
    }
  }

  /** The digest of the package at `path`, which is read only if it is not known. Throws what `readPackage` throws. */
  digest(path: string): FileDigest {
    const fs = this.#fs;
    const pkg = readPackage(path, { fs });
    let fd: number;
    try {
      fd = fs.open(path, constants.O_RDONLY);
    } catch (error) {
      throw errnoError(error, path);
    }
    try {
      const { size, mtimeMs } = fs.fstat(fd);
      const file = join(this.#dir, this.#name(path, pkg, mtimeMs));
      const known = this.#known(file);
      if (known !== undefined) return { digest: known, size, mtimeMs };
      const hash = createHash(this.#algorithm);
      for (let n = -1; n !== 0; ) {
        n = fs.read(fd, this.#buffer, 0, this.#buffer.length, null);
        hash.update(this.#buffer.subarray(0, n));
      }
      const digest = hash.digest('hex');
      // What a crash leaves of it is not a digest, and is written again.
      replaceFile(file, digest, { fs, sync: false });
      return { digest, size, mtimeMs };
    } finally {
      fs.close(fd);
    }
  }
}
