/** At most `limit` holders at a time; the rest wait, lower `priority` numbers first, then in order of asking. */
export class Slots {
  #free: number;
  readonly #waiting: { priority: number; start: () => void }[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  acquire(priority = 0): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((start) => {
      // Almost everything waits with one of two priorities, so the place is found from the end at once.
      let at = this.#waiting.length;
      while (at > 0 && this.#waiting[at - 1]!.priority > priority) at--;
      this.#waiting.splice(at, 0, { priority, start: () => start() });
    });
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next.start();
  }
}
