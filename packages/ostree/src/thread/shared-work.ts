// A numbered list of tasks that two threads take from, one from each end, so that they are seldom at the same directory.
// Memory: i32 tasks taken, i32 state of the helper, then one byte per task that says whether it was done.

const taken = 0;
const state = 1;
const headerBytes = 8;
const states = { waiting: 0, running: 1, ended: 2, cancelled: 3 } as const;

/** Tasks taken at once: enough to make taking cheap, few enough that both threads end together. */
const stretch = 8;

/** Tasks 0 to `count` - 1, each taken once. */
export class SharedWork {
  readonly memory: SharedArrayBuffer;
  readonly count: number;
  readonly #control: Int32Array;
  readonly #done: Uint8Array;

  private constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#control = new Int32Array(memory, 0, 2);
    this.#done = new Uint8Array(memory, headerBytes);
    this.count = this.#done.length;
  }

  static create(count: number): SharedWork {
    return new SharedWork(new SharedArrayBuffer(headerBytes + count));
  }

  /** The same work, in the other thread. */
  static of(memory: SharedArrayBuffer): SharedWork {
    return new SharedWork(memory);
  }

  /** Numbers of tasks that nobody else takes, until there are none; the helper begins at the last one. */
  *take(from: 'start' | 'end' = 'start', atOnce: number = stretch): Generator<number, void, undefined> {
    for (let mine = 0; ; ) {
      const before = Atomics.add(this.#control, taken, atOnce);
      const size = Math.min(atOnce, this.count - before);
      if (size <= 0) return;
      for (let i = mine; i < mine + size; i++) yield from === 'start' ? i : this.count - 1 - i;
      mine += size;
    }
  }

  /** Leaves what nobody took yet. */
  stop(): void {
    Atomics.store(this.#control, taken, this.count);
  }

  markDone(task: number): void {
    this.#done[task] = 1;
  }

  /** Of the other thread's tasks this is known after `finish`. */
  isDone(task: number): boolean {
    return this.#done[task] === 1;
  }

  /** For the helper: false when it came too late. */
  begin(): boolean {
    return Atomics.compareExchange(this.#control, state, states.waiting, states.running) === states.waiting;
  }

  /** For the helper: it will touch nothing any more. */
  end(): void {
    Atomics.store(this.#control, state, states.ended);
    Atomics.notify(this.#control, state);
  }

  /** Waits for the helper if it began, and lets it not begin if it did not. */
  finish(): void {
    if (Atomics.compareExchange(this.#control, state, states.waiting, states.cancelled) !== states.running) return;
    Atomics.wait(this.#control, state, states.running);
  }
}
