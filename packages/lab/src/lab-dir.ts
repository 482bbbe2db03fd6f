// A lab on disk:
//   world.json         the world it was made from
//   lab.json           what was released: packages and commit per stream
//   private/key.gpg    the secret key (mode 0600); never below www/
//   www/coppice.json   what instances read: remote, streams, repositories
//   www/key.asc        the public key
//   www/repo/          the archive repository
//   www/packages/      the package repository

import { join } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { readFile, replaceFile } from '@coppice/linux';
import { parseWorld, type World } from './world.ts';

export interface LabRelease {
  readonly version: string;
  readonly commit: string;
  /** Package files of the base, relative to `www/packages`. */
  readonly packages: readonly string[];
}

export interface LabState {
  readonly version: 1;
  /** The port that `serve` used last, so that instances find the lab again. */
  readonly port?: number;
  readonly streams: Readonly<Record<string, LabRelease>>;
}

export class LabDir {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  get www(): string {
    return join(this.dir, 'www');
  }
  get repo(): string {
    return join(this.www, 'repo');
  }
  get packages(): string {
    return join(this.www, 'packages');
  }
  get secretKey(): string {
    return join(this.dir, 'private/key.gpg');
  }

  #json(name: string): unknown {
    const path = join(this.dir, name);
    try {
      return JSON.parse(readFile(path, { limit: 64 << 20 }).toString());
    } catch (error) {
      if (error instanceof SyntaxError) throw new CoppiceError('Corrupt', `${path}: not JSON`, { cause: error });
      if ((error as { code?: string }).code === 'ENOENT') {
        throw new CoppiceError('NotFound', `${this.dir}: not a lab; make one with: coppice lab init ${this.dir}`);
      }
      throw errnoError(error, path);
    }
  }

  world(): World {
    return parseWorld(JSON.stringify(this.#json('world.json')), join(this.dir, 'world.json'));
  }

  state(): LabState {
    const value = this.#json('lab.json') as LabState | null;
    if (value?.version !== 1 || typeof value.streams !== 'object') {
      throw new CoppiceError('Corrupt', `${join(this.dir, 'lab.json')}: not a lab of version 1`);
    }
    return value;
  }

  save(state: LabState): void {
    replaceFile(join(this.dir, 'lab.json'), `${JSON.stringify(state, null, 2)}\n`);
  }

  key(): Buffer {
    return readFile(this.secretKey, { limit: 1 << 20 });
  }
}
