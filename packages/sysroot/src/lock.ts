// `ostree/lock`: one writer of a sysroot at a time, across processes and with the original. The file is removed by whoever
// releases the lock, so a waiter that gets hold of a removed file must start over.

import { constants } from 'node:fs';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';

export interface LockOptions {
  /** Told now and then that someone else holds the lock. */
  readonly onWait?: () => void;
  /** False: throw `Busy` at once instead of waiting. */
  readonly wait?: boolean;
}

const pollMilliseconds = 50;
const noticeMilliseconds = 3000;

export class SysrootLock {
  readonly #fs: FileSystem;
  readonly #path: string;
  #fd: number | undefined;

  private constructor(fs: FileSystem, path: string, fd: number) {
    this.#fs = fs;
    this.#path = path;
    this.#fd = fd;
  }

  static take(fs: FileSystem, sysroot: string, options: LockOptions = {}): SysrootLock {
    const path = `${sysroot}/ostree/lock`;
    let waited = 0;
    for (;;) {
      let fd: number;
      try {
        fd = fs.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o660);
      } catch (error) {
        throw errnoError(error, 'open(ostree/lock)');
      }
      let kept = false;
      try {
        if (fs.tryLock(fd, 'exclusive')) {
          const now = fs.lstat(path);
          const held = fs.fstat(fd);
          if (now !== undefined && now.ino === held.ino && now.dev === held.dev) {
            kept = true;
            return new SysrootLock(fs, path, fd);
          }
          continue;
        }
      } finally {
        if (!kept) fs.close(fd);
      }
      if (options.wait === false) throw new CoppiceError('Busy', 'The sysroot is locked by another process');
      if (waited % noticeMilliseconds === 0) options.onWait?.();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollMilliseconds);
      waited += pollMilliseconds;
    }
  }

  /** Releases; a second call does nothing. */
  release(): void {
    if (this.#fd === undefined) return;
    this.#fs.unlink(this.#path);
    this.#fs.close(this.#fd);
    this.#fd = undefined;
  }
}
