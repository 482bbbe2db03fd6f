import { constants } from 'node:fs';
import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';

export type LockKind = 'shared' | 'exclusive';

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the thread. */
function sleep(milliseconds: number): void {
  Atomics.wait(sleeper, 0, 0, milliseconds);
}

/**
 * The repository lock: `.lock`, an open-file-description lock, shared for transactions and exclusive for prune. Recursive
 * per Repo object; taking it exclusive while it is held shared upgrades it, and release steps back.
 */
export class RepoLock {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #timeoutSeconds: number;
  #fd: number | undefined;
  #held: LockKind[] = [];
  #state: LockKind | undefined;

  /** `timeoutSeconds` -1 waits for ever. */
  constructor(fs: FileSystem, path: string, timeoutSeconds: number) {
    this.#fs = fs;
    this.#path = path;
    this.#timeoutSeconds = timeoutSeconds;
  }

  /** Takes the lock; throws `Busy` after the timeout. Does nothing where the repository is not writable. */
  acquire(kind: LockKind): void {
    if (!this.#open()) return;
    if (this.#state !== 'exclusive' && this.#state !== kind) this.#wait(kind);
    this.#held.push(kind);
  }

  /** Undoes the last `acquire`. */
  release(): void {
    if (this.#fd === undefined || this.#held.length === 0) return;
    this.#held.pop();
    const wanted = this.#held.includes('exclusive') ? 'exclusive' : this.#held.length > 0 ? 'shared' : undefined;
    if (wanted === this.#state) return;
    this.#fs.tryLock(this.#fd, wanted ?? 'unlock');
    this.#state = wanted;
    if (wanted === undefined) {
      this.#fs.close(this.#fd);
      this.#fd = undefined;
    }
  }

  #open(): boolean {
    if (this.#fd !== undefined) return true;
    try {
      this.#fd = this.#fs.open(this.#path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o660);
      return true;
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') return false;
      throw error;
    }
  }

  #wait(kind: LockKind): void {
    const end = Date.now() + this.#timeoutSeconds * 1000;
    for (;;) {
      if (this.#fs.tryLock(this.#fd!, kind)) {
        this.#state = kind;
        return;
      }
      if (this.#timeoutSeconds >= 0 && Date.now() >= end) {
        if (this.#held.length === 0) {
          this.#fs.close(this.#fd!);
          this.#fd = undefined;
        }
        throw new CoppiceError('Busy', `Locking repo ${kind} failed: Resource temporarily unavailable`);
      }
      sleep(100);
    }
  }
}
