// Which lab is served: `coppice lab serve` leaves a note for `coppice instance create`.

import { mkdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { hostFs, readFile, replaceFile } from '@coppice/linux';
import { dataHome } from './store.ts';

export interface RegisteredLab {
  readonly dir: string;
  readonly url: string;
}

export function registerLab(lab: RegisteredLab, home: string = dataHome()): void {
  mkdirSync(home, { recursive: true });
  replaceFile(join(home, 'lab.json'), `${JSON.stringify(lab)}\n`);
}

/** Takes the note back, if it is still about this lab. */
export function unregisterLab(lab: RegisteredLab, home: string = dataHome()): void {
  if (registeredLab(home)?.url === lab.url) unlinkSync(join(home, 'lab.json'));
}

export function registeredLab(home: string = dataHome()): RegisteredLab | undefined {
  const path = join(home, 'lab.json');
  if (hostFs.lstat(path) === undefined) return undefined;
  try {
    const value = JSON.parse(readFile(path, { limit: 65536 }).toString()) as Partial<
      Record<keyof RegisteredLab, unknown>
    >;
    return typeof value.url === 'string' && typeof value.dir === 'string'
      ? { url: value.url, dir: value.dir }
      : undefined;
  } catch {
    return undefined;
  }
}
