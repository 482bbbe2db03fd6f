import { sep } from 'node:path';
import { readFile } from '@coppice/linux';
import type { Repo } from '../repo.ts';
import { writeBeside } from '../store/refs.ts';

/** A file kept from an earlier pull with the validators the server gave. */
export interface CachedFile {
  readonly bytes: Buffer;
  readonly etag: string | undefined;
  /** Seconds since the epoch. */
  readonly lastModified: number | undefined;
}

const limit = 128 * 1024 * 1024;
const etagAttribute = 'user.etag';

/** `summaries/NAME` and `NAME.sig` below the repository's cache, or a folder of the caller's. */
export class SummaryCache {
  readonly #repo: Repo;
  readonly #dir: string;
  readonly #name: string;

  constructor(repo: Repo, dir: string | undefined, name: string) {
    this.#repo = repo;
    this.#dir = `${dir ?? `${repo.path}/tmp/cache`}/summaries`;
    this.#name = name;
  }

  /** Undefined when there may not be a cache here. */
  static open(repo: Repo, dir: string | undefined, name: string): SummaryCache | undefined {
    if (name.includes(sep)) return undefined;
    if (dir === undefined && repo.fs.stat(`${repo.path}/tmp/cache`) === undefined) return undefined;
    return new SummaryCache(repo, dir, name);
  }

  read(suffix: '' | '.sig'): CachedFile | undefined {
    const path = `${this.#dir}/${this.#name}${suffix}`;
    const { fs } = this.#repo;
    try {
      const bytes = readFile(path, { fs, limit });
      const etag = fs.getxattr(path, etagAttribute)?.toString('utf8');
      const mtime = Math.floor((fs.stat(path)?.mtimeMs ?? 0) / 1000);
      return { bytes, etag, lastModified: mtime === 0 ? undefined : mtime };
    } catch {
      return undefined;
    }
  }

  write(suffix: '' | '.sig', bytes: Uint8Array, etag: string | undefined, lastModified: number | undefined): void {
    const { fs } = this.#repo;
    const path = `${this.#dir}/${this.#name}${suffix}`;
    if (fs.stat(this.#dir) === undefined) {
      const parts = this.#dir.split('/');
      for (let i = 2; i <= parts.length; i++) {
        const part = parts.slice(0, i).join('/');
        if (fs.stat(part) === undefined) fs.mkdir(part, 0o775);
      }
    }
    writeBeside(fs, path, bytes, false);
    try {
      if (etag !== undefined) fs.setxattr(path, etagAttribute, Buffer.from(etag));
    } catch {
      // No extended attributes here: then without.
    }
    if (lastModified !== undefined) fs.lutimes(path, lastModified, lastModified);
    else fs.lutimes(path, 0, 0);
  }

  drop(): void {
    for (const suffix of ['', '.sig']) {
      try {
        this.#repo.fs.unlink(`${this.#dir}/${this.#name}${suffix}`);
      } catch {
        // Not there.
      }
    }
  }
}
