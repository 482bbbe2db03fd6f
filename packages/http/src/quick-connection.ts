import { closeSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { idle, type QuickLane, stalled } from './quick-lane.ts';
import { quickPath } from './quick-request.ts';
import { piece } from './spare-buffers.ts';

const blank = '\r\n\r\n';
/** Requests that came in one go are answered so many at a time; then it is the turn of others. */
const turn = 16;
/** Bytes of requests that may wait. */
const longestQueue = 64 * 1024;

/** One connection while it asks for nothing but what this lane answers. */
export class QuickConnection {
  readonly #socket: Socket;
  readonly #lane: QuickLane;
  readonly #gone: () => void;
  /** Bytes that came while an answer was on its way, or others had their turn. */
  #held: Buffer | undefined;
  #busy = false;
  #leaving = false;

  constructor(socket: Socket, lane: QuickLane, gone: () => void) {
    this.#socket = socket;
    this.#lane = lane;
    this.#gone = gone;
    socket.setNoDelay(true);
    socket.setTimeout(idle);
    socket.on('data', this.#onData);
    socket.on('timeout', this.#onTimeout);
    socket.on('error', this.#onError);
    socket.on('close', gone);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends it now, or when the answer that is on its way has left. */
  leave(): void {
    this.#leaving = true;
    if (!this.#busy) this.#socket.end(() => this.#socket.destroy());
  }

  readonly #onTimeout = (): void => {
    // A small answer that has not left yet is as good as a large one.
    if (this.#socket.timeout === idle && this.#socket.writableLength > 0) this.#socket.setTimeout(stalled);
    else this.#socket.destroy();
  };
  readonly #onError = (): void => {
    this.#socket.destroy();
  };
  readonly #onData = (bytes: Buffer): void => {
    if (!this.#busy) {
      if (this.#lane.holds) this.#queue(bytes);
      else this.#take(bytes);
      return;
    }
    this.#held = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes]);
    if (this.#held.length > longestQueue) this.#socket.pause();
  };

  /** Answers when it is this connection's turn. */
  #queue(bytes: Buffer): void {
    this.#busy = true;
    this.#held = bytes;
    this.#lane.queue(() => {
      if (!this.#socket.destroyed) this.#goOn();
    });
  }

  #take(bytes: Buffer): void {
    for (let at = 0, answered = 0; at < bytes.length; answered++) {
      if (answered === turn) {
        this.#socket.pause();
        this.#queue(bytes.subarray(at));
        return;
      }
      const end = bytes.indexOf(blank, at, 'latin1');
      const path = end < 0 ? undefined : quickPath(bytes.toString('latin1', at, end + blank.length));
      const begun = this.#lane.onRequest === undefined ? 0 : performance.now();
      const answer = path === undefined ? undefined : this.#lane.answer(path);
      if (answer === undefined) {
        this.#hand(bytes.subarray(at));
        return;
      }
      at = end + blank.length;
      const log = (sent: number): void =>
        this.#lane.onRequest?.({
          method: 'GET',
          path: path!,
          status: answer.status,
          bytes: sent,
          ms: performance.now() - begun,
          remote: this.#socket.remoteAddress ?? '',
        });
      const { lent } = answer;
      const flows = this.#socket.write(answer.head, lent === undefined ? undefined : () => this.#lane.spare.put(lent));
      if (answer.fd === undefined) {
        if (this.#lane.onRequest !== undefined) log(answer.head.length);
        if (flows || this.#socket.destroyed) continue;
        this.#wait(bytes.subarray(at));
        this.#socket.once('drain', () => this.#goOn());
        return;
      }
      this.#wait(bytes.subarray(at));
      this.#send(answer.fd, answer.size, () => {
        log(answer.head.length + answer.size);
        this.#goOn();
      });
      return;
    }
  }

  #wait(rest: Buffer): void {
    this.#busy = true;
    this.#held = rest.length === 0 ? undefined : rest;
    this.#socket.pause();
    this.#socket.setTimeout(stalled);
  }

  #goOn(): void {
    this.#busy = false;
    const held = this.#held;
    this.#held = undefined;
    if (this.#leaving) {
      this.leave();
      return;
    }
    if (this.#socket.isPaused()) {
      this.#socket.setTimeout(idle);
      this.#socket.resume();
    }
    if (held !== undefined) this.#take(held);
  }

  /** Sends a file piece by piece, each when the one before has left and others had their turn. */
  #send(fd: number, size: number, done: () => void): void {
    const socket = this.#socket;
    let at = 0;
    const { spare } = this.#lane;
    let buffer: Buffer | undefined = spare.take();
    const finish = (): void => {
      if (buffer === undefined) return;
      spare.put(buffer);
      buffer = undefined;
      socket.removeListener('close', finish);
      closeSync(fd);
    };
    const left = (error?: Error | null): void => {
      if (error instanceof Error) finish();
      else this.#lane.queue(next);
    };
    const next = (): void => {
      if (buffer === undefined) return;
      if (at === size) {
        finish();
        done();
        return;
      }
      let n = 0;
      try {
        n = readSync(fd, buffer, 0, Math.min(piece, size - at), at);
      } catch {
        // Answered as a file that shrank.
      }
      if (n === 0) {
        finish();
        socket.destroy();
        return;
      }
      at += n;
      socket.write(buffer.subarray(0, n), left);
    };
    socket.on('close', finish);
    next();
  }

  #hand(rest: Buffer): void {
    const socket = this.#socket;
    socket.removeListener('data', this.#onData);
    socket.removeListener('timeout', this.#onTimeout);
    socket.removeListener('error', this.#onError);
    socket.removeListener('close', this.#gone);
    socket.setTimeout(0);
    this.#gone();
    socket.pause();
    if (rest.length > 0) socket.unshift(rest);
    this.#lane.hand(socket);
    process.nextTick(() => socket.resume());
  }
}
