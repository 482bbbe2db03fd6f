import type { CompressPool } from './compress-pool.ts';
import { type HashOrder, hashedSize } from './hash-orders.ts';

/** After this many objects in a row that were there already, the next ones are taken to be there too. */
const patience = 64;

/**
 * Lets the second thread read and hash files of which nearly all are stored already, as when a tree is committed again; where
 * new ones come, that thread has more to do with writing them. What turns out to be new is left to the caller.
 */
export class HashAhead {
  readonly #pool: CompressPool;
  readonly #has: (checksum: string) => boolean;
  /** Objects found in a row. */
  #streak = 0;
  #waiting = 0;
  #unknown: (() => void)[] = [];

  constructor(pool: CompressPool, has: (checksum: string) => boolean) {
    this.#pool = pool;
    this.#has = has;
  }

  /** Notes whether an object that was to be written was there. */
  saw(found: boolean): void {
    this.#streak = found ? this.#streak + 1 : 0;
  }

  /**
   * Takes over a file, or says false. Later, no later than in `settle(true)`, one of two is called: `known` with the checksum
   * of an object that is there, or `unknown` for the caller to write it, or find out what is wrong with the file.
   */
  give(order: HashOrder, known: (checksum: string) => void, unknown: () => void): boolean {
    if (this.#streak < patience || order.size === 0 || order.size > hashedSize) return false;
    const given = this.#pool.tryHash(order, (checksum) => {
      this.#waiting--;
      if (checksum !== undefined && this.#has(checksum)) known(checksum);
      else this.#unknown.push(unknown);
    });
    if (given) this.#waiting++;
    return given;
  }

  /** Has the unknown ones of those done so far written, with `all` of all. */
  settle(all: boolean): void {
    do {
      if (all && this.#waiting > 0) this.#pool.collect(true);
      for (const write of this.#unknown.splice(0)) write();
    } while (all && (this.#waiting > 0 || this.#unknown.length > 0));
  }
}
