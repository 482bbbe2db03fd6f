/** Milliseconds that requests wait while more connections arrive. */
const longest = 25;

/**
 * Whose request is answered when. libuv takes one new connection in each round of the event loop, so that with 200 clients who
 * come at once the last would wait for 200 rounds, each longer than the one before as those who are in ask again and again.
 * While connections arrive, requests wait until no more do.
 */
export class Turns {
  #waiting: (() => void)[] = [];
  #arrived = false;
  #scheduled = false;
  /** Milliseconds; when the present wait began. */
  #since = 0;
  readonly #now: () => number;

  /** `now` gives milliseconds of a clock that only goes forward. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A connection has come. */
  arrived(): void {
    this.#arrived = true;
    this.#schedule();
  }

  /** Whether new requests are to be queued. */
  get holds(): boolean {
    return this.#scheduled;
  }

  /** Calls `answer` in a later round. */
  queue(answer: () => void): void {
    this.#waiting.push(answer);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#since = this.#now();
    setImmediate(this.#round);
  }

  readonly #round = (): void => {
    if (this.#arrived && this.#now() - this.#since < longest) {
      this.#arrived = false;
      setImmediate(this.#round);
      return;
    }
    this.#arrived = false;
    this.#scheduled = false;
    const now = this.#waiting;
    this.#waiting = [];
    for (const answer of now) answer();
  };
}
