import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileSystem } from '@coppice/base/fs';
import { isChecksum } from '../codec/checksum.ts';
import { looseName } from '../codec/object-type.ts';
import type { Repo } from '../repo.ts';
import type { ObjectWriter } from './object-writer.ts';

/**
 * Objects named by the checksum of a content alone: a link `PP/….payload-link` to one `.file` object that holds it. Where a
 * file system shares extents, contents that differ in owner, mode or attributes only take their space once
 * (`core.payload-link-threshold`; ostree-repo-commit.c).
 */
export class PayloadLinks {
  readonly #repo: Repo;
  readonly #writer: ObjectWriter;
  readonly #threshold: number;
  #shares: boolean | undefined;

  private constructor(repo: Repo, writer: ObjectWriter, threshold: number) {
    this.#repo = repo;
    this.#writer = writer;
    this.#threshold = threshold;
  }

  /** Undefined where the repository makes no such links. */
  static of(repo: Repo, writer: ObjectWriter): PayloadLinks | undefined {
    const threshold = repo.settings.payloadLinkThreshold;
    const bare = repo.mode === 'bare' || repo.mode === 'bare-user' || repo.mode === 'bare-user-only';
    return threshold === undefined || !bare ? undefined : new PayloadLinks(repo, writer, threshold);
  }

  /** Whether a content of this size gets a link. */
  wants(size: number): boolean {
    if (size < this.#threshold) return false;
    this.#shares ??= this.#probe();
    return this.#shares;
  }

  /** Tries with the repository's config. */
  #probe(): boolean {
    const { fs, path } = this.#repo;
    const probe = this.#temporary();
    const from = fs.open(`${path}/config`, constants.O_RDONLY);
    try {
      const to = fs.open(probe, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      try {
        return fs.reflink(from, to);
      } finally {
        fs.close(to);
        fs.unlink(probe);
      }
    } finally {
      fs.close(from);
    }
  }

  #temporary(): string {
    return `${this.#writer.temporary}/tmp-link-${randomBytes(6).toString('hex')}`;
  }

  #linkPath(payload: string): string | undefined {
    const { fs, path, mode } = this.#repo;
    const name = looseName(payload, 'payload-link', mode);
    const candidates = [this.#writer.find(name), `${path}/objects/${name}`];
    return candidates.find((one) => one !== undefined && fs.lstat(one) !== undefined);
  }

  /** Lets the open file have the extents of a stored one with this content; false when there is none. */
  clone(payload: string, size: number, fd: number): boolean {
    const { fs } = this.#repo;
    const link = this.#linkPath(payload);
    if (link === undefined) return false;
    const target = /^\.\.\/([0-9a-f]{2})\/([0-9a-f]{62})\.file$/.exec(fs.readlink(link));
    const checksum = target === null ? '' : `${target[1]}${target[2]}`;
    const found = isChecksum(checksum) ? this.#repo.findObject('file', checksum) : undefined;
    if (found === undefined) return false;
    const from = fs.open(found.path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      // What a damaged object holds must not spread.
      if (fs.fstat(from).size !== size || payloadOf(fs, from) !== payload) return false;
      return fs.reflink(from, fd);
    } finally {
      fs.close(from);
    }
  }

  /** Makes the link, or lets it lead to this newer object. */
  add(payload: string, checksum: string): void {
    const { fs, mode } = this.#repo;
    const temporary = this.#temporary();
    fs.symlink(`../${looseName(checksum, 'file', mode)}`, temporary);
    this.#writer.place(temporary, looseName(payload, 'payload-link', mode));
  }
}

function payloadOf(fs: FileSystem, fd: number): string {
  const digest = createHash('sha256');
  const buffer = Buffer.allocUnsafe(256 * 1024);
  for (let at = 0; ; ) {
    const n = fs.read(fd, buffer, 0, buffer.length, at);
    if (n === 0) return digest.digest('hex');
    digest.update(buffer.subarray(0, n));
    at += n;
  }
}
