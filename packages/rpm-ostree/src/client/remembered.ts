// Small memories in the cache: which checksum something had the last times. Losing one costs only time.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readFile, replaceFile } from '@coppice/linux';
import type { Client } from './client.ts';
import { cacheDir } from './repo-metadata.ts';

const entryLimit = 8;
const sizeLimit = 1 << 16;
const keyForm = /^[0-9a-f]{64}(-[a-z]+)?$/;
const hex64 = /^[0-9a-f]{64}$/;

type Entry = readonly [key: string, checksum: string];

/** One file of pairs, the newest first. */
export class Remembered {
  readonly #client: Client;
  readonly #path: string;

  constructor(client: Client, name: string) {
    this.#client = client;
    this.#path = join(cacheDir(client), name);
  }

  #entries(): Entry[] {
    try {
      const list: unknown = JSON.parse(readFile(this.#path, { fs: this.#client.fs, limit: sizeLimit }).toString());
      const isEntry = (e: unknown): e is Entry => {
        if (!Array.isArray(e) || e.length !== 2) return false;
        const [key, checksum] = e as readonly unknown[];
        return typeof key === 'string' && typeof checksum === 'string' && keyForm.test(key) && hex64.test(checksum);
      };
      return Array.isArray(list) ? list.filter(isEntry) : [];
    } catch {
      // Missing or damaged: nothing is known.
      return [];
    }
  }

  get(key: string): string | undefined {
    return this.#entries().find(([known]) => known === key)?.[1];
  }

  set(key: string, checksum: string): void {
    const others = this.#entries().filter(([known]) => known !== key);
    mkdirSync(cacheDir(this.#client), { recursive: true });
    const list = [[key, checksum], ...others].slice(0, entryLimit);
    replaceFile(this.#path, `${JSON.stringify(list)}\n`, { fs: this.#client.fs });
  }
}
