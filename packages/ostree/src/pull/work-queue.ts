/** Items waiting their turn, kept as plain values so that a hundred thousand of them stay cheap. */
class Fifo<T> {
  #items: T[] = [];
  #head = 0;
  get length(): number {
    return this.#items.length - this.#head;
  }
  push(item: T): void {
    this.#items.push(item);
  }
  shift(): T | undefined {
    const item = this.#items[this.#head];
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

export type Job = () => Promise<void>;

/**
 * Runs jobs, a bounded number at a time, urgent ones first. The first failure stops the rest: what runs is waited for,
 * what waits is dropped. Jobs may add jobs.
 */
export class WorkQueue<T> {
  readonly #limit: number;
  readonly #run: (item: T) => Promise<void>;
  readonly #onFailure: () => void;
  readonly #urgent = new Fifo<T>();
  readonly #normal = new Fifo<T>();
  #running = 0;
  #failure: { error: unknown } | undefined;
  #idle: (() => void) | undefined;

  constructor(limit: number, run: (item: T) => Promise<void>, onFailure: () => void) {
    this.#limit = limit;
    this.#run = run;
    this.#onFailure = onFailure;
  }

  get running(): number {
    return this.#running;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  add(item: T, urgent: boolean): void {
    if (this.#failure !== undefined) return;
    (urgent ? this.#urgent : this.#normal).push(item);
    this.#pump();
  }

  #pump(): void {
    while (this.#failure === undefined && this.#running < this.#limit) {
      const queue = this.#urgent.length > 0 ? this.#urgent : this.#normal;
      if (queue.length === 0) break;
      const item = queue.shift() as T;
      this.#running++;
      this.#run(item).then(
        () => this.#settled(),
        (error: unknown) => {
          this.fail(error);
          this.#settled();
        },
      );
    }
  }

  /** Stops with an error that came up outside of a job. */
  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#onFailure();
  }

  #settled(): void {
    this.#running--;
    this.#pump();
    if (this.#running === 0) this.#idle?.();
  }

  /** Waits until nothing runs and nothing waits. Throws the first failure. */
  async drain(): Promise<void> {
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      this.#idle = undefined;
    }
    this.check();
  }

  /** Throws the first failure. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
