import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import type { PublishTarget } from './publish.ts';

/** Below the folder: who publishes, and files that have no name yet. Nobody else is there, so that what is left over can go. */
const workName = '.publish';

/** Throws `Conflict` while another run publishes there. */
function lockFolder(work: string): number {
  for (;;) {
    mkdirSync(work, { recursive: true });
    const path = join(work, 'lock');
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
    if (!hostFs.tryLock(fd, 'exclusive')) {
      closeSync(fd);
      throw new CoppiceError('Conflict', `another run publishes to ${dirname(work)}`);
    }
    // The run before may have taken the file away between the two calls.
    if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return fd;
    closeSync(fd);
  }
}

function sync(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A folder, e.g. the root of a static web server. Files appear under their name only when they are whole and on the disk. */
export function directoryTarget(root: string): PublishTarget {
  const work = join(root, workName);
  const made = new Set<string>();
  /** Folders with names that are not on the disk. */
  const changed = new Set<string>();
  let lock: number | undefined;
  let count = 0;
  const begin = (): void => {
    if (lock !== undefined) return;
    lock = lockFolder(work);
    for (const name of hostFs.readdir(work)) if (name !== 'lock') rmSync(join(work, name), { recursive: true });
  };
  const makeDir = (dir: string): void => {
    if (made.has(dir)) return;
    made.add(dir);
    const first = mkdirSync(dir, { recursive: true });
    if (first === undefined) return;
    for (let at = dir; at !== dirname(first); at = dirname(at)) changed.add(dirname(at));
  };
  return {
    async size(path) {
      return statSync(join(root, path), { throwIfNoEntry: false })?.size;
    },
    async same(path, bytes) {
      try {
        return readFileSync(join(root, path)).equals(bytes);
      } catch {
        return false;
      }
    },
    async put(path, source) {
      const target = join(root, path);
      const dir = dirname(target);
      try {
        begin();
        makeDir(dir);
        const temporary = join(work, String(count++));
        copyFileSync(source, temporary);
        sync(temporary);
        renameSync(temporary, target);
        changed.add(dir);
      } catch (error) {
        throw errnoError(error, path);
      }
    },
    async endStage() {
      for (const dir of changed) sync(dir);
      changed.clear();
    },
    close() {
      if (lock === undefined && statSync(work, { throwIfNoEntry: false }) === undefined) return;
      // A run that had nothing to send takes away what another left all the same.
      begin();
      rmSync(work, { recursive: true, force: true });
      if (lock !== undefined) closeSync(lock);
      lock = undefined;
    },
  };
}
