import type { Socket } from 'node:net';
import type { ExchangeOptions } from './exchange.ts';
import { curlError, networkError } from './failure.ts';
import { type Headers, ResponseReader } from './response-reader.ts';

const readSize = 128 * 1024;
const net = (): typeof import('node:net') => process.getBuiltinModule('node:net');

/** An exchange without what chooses the connection. */
export type PlainExchange = Omit<ExchangeOptions, 'dispatcher' | 'signal'>;

interface Running extends PlainExchange {
  readonly resolve: (head: { status: number; headers: Headers }) => void;
  readonly reject: (error: unknown) => void;
}

/** What a connection tells its pool. */
export interface ConnectionOwner {
  /** It waits for the next exchange. */
  idle(connection: PlainConnection): void;
  gone(connection: PlainConnection): void;
  /** It was closed before the server said anything: the exchange is free to be tried on a new one. */
  again(exchange: PlainExchange): Promise<{ status: number; headers: Headers }>;
}

/** One TCP connection that carries one exchange after another. Bytes are read into one buffer, again and again. */
export class PlainConnection {
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #reader: ResponseReader;
  #running: Running | undefined;
  #head: { status: number; headers: Headers } | undefined;
  #sink: ReturnType<PlainExchange['onHead']>;
  /** Writes of the sink that are not through. */
  #pending: Promise<unknown> | undefined;
  #used = false;
  #connected = false;
  #closed = false;
  /** Milliseconds; when the present speed window or the wait for a connection began. */
  #since = 0;
  #window = 0;

  constructor(host: string, port: number, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#reader = new ResponseReader({
      onHead: (status, headers) => {
        this.#head = { status, headers };
        this.#sink = this.#running!.onHead(status, headers);
      },
      onData: (bytes) => this.#data(bytes),
      onEnd: () => this.#end(),
    });
    const buffer = Buffer.allocUnsafeSlow(readSize);
    this.#socket = net().connect({
      host,
      port,
      noDelay: true,
      onread: { buffer, callback: (count) => this.#read(buffer.subarray(0, count)) },
    });
    this.#socket.on('connect', () => {
      this.#connected = true;
      this.#since = performance.now();
    });
    this.#socket.on('end', () => {
      try {
        this.#reader.end();
      } catch (error) {
        this.#fail(error);
      }
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(curlError(this.#head === undefined ? 52 : 18)));
  }

  /** Sends a request whose response goes to `exchange`. */
  run(exchange: PlainExchange, request: string): Promise<{ status: number; headers: Headers }> {
    return new Promise((resolve, reject) => {
      this.#running = { ...exchange, resolve, reject };
      this.#head = undefined;
      this.#sink = undefined;
      this.#pending = undefined;
      this.#window = 0;
      this.#since = performance.now();
      this.#reader.expect();
      this.#socket.ref();
      this.#socket.write(request, 'latin1');
    });
  }

  #read(bytes: Buffer): boolean {
    if (this.#running !== undefined) this.#attempt(() => this.#reader.push(bytes));
    // Nobody asked for more.
    else this.close();
    if (this.#running === undefined && !this.#reader.keepAlive) this.close();
    return this.#pending === undefined;
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.close(error);
    }
  }

  #data(bytes: Buffer): void {
    const running = this.#running!;
    this.#window += bytes.length;
    running.onBytes?.(bytes.length);
    const wait = this.#sink?.write(bytes);
    if (wait === undefined) return;
    const all = this.#pending === undefined ? wait : Promise.all([this.#pending, wait]);
    this.#pending = all;
    all.then(
      () => {
        if (this.#pending !== all || this.#closed) return;
        this.#pending = undefined;
        this.#since = performance.now();
        this.#window = 0;
        if (this.#running !== undefined) this.#socket.resume();
      },
      (error) => this.close(error),
    );
  }

  #end(): void {
    const pending = this.#pending;
    if (pending === undefined) this.#finish();
    else
      pending.then(
        () => this.#finish(),
        () => {},
      );
  }

  #finish(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    this.#used = true;
    if (this.#reader.keepAlive && !this.#closed) {
      this.#socket.unref();
      this.#since = performance.now();
      this.#owner.idle(this);
    } else {
      this.close();
    }
    running.resolve(this.#head!);
  }

  #fail(error: unknown): void {
    const running = this.#running;
    this.#running = undefined;
    this.close();
    if (running === undefined) return;
    if (this.#used && !this.#reader.started) this.#owner.again(running).then(running.resolve, running.reject);
    else running.reject(networkError(error, this.#head !== undefined));
  }

  /** Ends it, and with it the exchange under way, which fails with `error`. */
  close(error?: unknown): void {
    const running = error === undefined ? undefined : this.#running;
    if (running !== undefined) this.#running = undefined;
    if (!this.#closed) {
      this.#closed = true;
      this.#owner.gone(this);
      this.#socket.destroy();
    }
    running?.reject(networkError(error, this.#head !== undefined));
  }

  /** Whether it waits and could carry an exchange. */
  get isIdle(): boolean {
    return this.#running === undefined && !this.#closed;
  }

  /** Ends what takes too long; called now and then. */
  check(now: number, limits: { readonly connectMs: number; readonly idleMs: number }): void {
    const running = this.#running;
    const elapsed = now - this.#since;
    if (running === undefined) {
      if (elapsed > limits.idleMs) this.close();
    } else if (!this.#connected) {
      if (elapsed > limits.connectMs) this.close(curlError(28));
    } else {
      const { bytes, seconds } = running.lowSpeed;
      if (seconds <= 0 || elapsed < seconds * 1000) return;
      if (this.#window < bytes * seconds && this.#pending === undefined) this.close(curlError(28));
      this.#since = now;
      this.#window = 0;
    }
  }
}
