import { isSymlink } from '../codec/mode-bits.ts';
import { maxExpansion } from './archived-content.ts';
import type { StoreForm } from './archived-order.ts';
import type { CompressPool } from './compress-pool.ts';

/** How another thread stores whole objects of a transaction by itself. */
export interface AsideTarget {
  readonly form: StoreForm;
  /** Objects that another thread has in hand. */
  readonly inFlight: Set<string>;
  reserve(size: number): void;
  refund(size: number): void;
  /** Path of the object to be, in a directory that is there; undefined when it cannot be written straight to its name. */
  targetOf(checksum: string): string | undefined;
  arrived(checksum: string, size: number): void;
}

/** The 28 bytes at the start of a `.filez` that hold its frame, size, owner and mode. */
export const archivedStart = 28;

/** Gives whole objects in archive form to the second thread, which unpacks, checks and stores them. */
export class ArchivedHandover {
  readonly #pool: CompressPool;
  readonly #target: AsideTarget;

  constructor(pool: CompressPool, target: AsideTarget) {
    this.#pool = pool;
    this.#target = target;
  }

  /**
   * `start` is the object's beginning and `length` its size in archive form. False when the caller has to store it: the
   * thread has enough to do, or the object is of another kind. `done` is called later on this thread, with the source when
   * the object was refused or could not be written; then the caller stores it, and finds out why.
   */
  give(
    checksum: string,
    source: Uint8Array | string,
    start: Buffer,
    length: number,
    done: (refused: Uint8Array | string | undefined) => void,
  ): boolean {
    if (start.length < archivedStart) return false;
    const size = Number(start.readBigUInt64BE(8));
    if (isSymlink(start.readUInt32BE(24)) || size > length * maxExpansion) return false;
    const target = this.#target;
    const path = target.targetOf(checksum);
    if (path === undefined) return false;
    target.reserve(size);
    const order = { form: target.form, checksum, target: path, source };
    const given = this.#pool.tryArchived(order, (refused) => {
      target.inFlight.delete(checksum);
      if (refused === undefined) target.arrived(checksum, size);
      else target.refund(size);
      done(refused);
    });
    if (given) target.inFlight.add(checksum);
    else target.refund(size);
    return given;
  }
}
