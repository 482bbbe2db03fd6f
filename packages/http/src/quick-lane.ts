import { closeSync, readSync, type Stats } from 'node:fs';
import type { Socket } from 'node:net';
import { QuickConnection } from './quick-connection.ts';
import { piece, SpareBuffers } from './spare-buffers.ts';
import { entityTag, httpDate, type StaticFolder } from './static-folder.ts';
import type { StaticRequest } from './static-server.ts';
import { Turns } from './turns.ts';

export interface QuickLaneOptions {
  /** Paths that are not for this lane. */
  readonly passes: (path: string) => boolean;
  readonly cacheControl: (path: string) => string | undefined;
  readonly onRequest: ((request: StaticRequest) => void) | undefined;
  /** Gives a connection, with what has come over it and is not answered, to the complete server. */
  readonly hand: (socket: Socket) => void;
}

export interface QuickAnswer {
  readonly status: number;
  /** Head and body, or the head alone of a body that comes from `fd`. */
  readonly head: Buffer;
  /** To be closed by who gets it. */
  readonly fd: number | undefined;
  readonly size: number;
  /** What `head` lies in, to be given back when it has left. */
  readonly lent?: Buffer;
}

/** An answer in memory, head and body, for a file that never changes under its name. */
interface Kept {
  readonly bytes: Buffer;
  /** Where the date stands in it. */
  readonly dateAt: number;
  date: string;
  readonly stat: Stats;
  /** Milliseconds; until then the file is not looked at again. */
  until: number;
}

/** Idle connections are closed after so many milliseconds, as by the complete server. */
export const idle = 5000;
/** So are those that take nothing of their answer for so long. */
export const stalled = 60_000;
const trust = 1000;
const keptFile = 32 * 1024;
const keptTotal = 24 * 1024 * 1024;
const blank = '\r\n\r\n';

/**
 * Answers simple requests (see quick-request.ts) for files straight from the connection; a connection that asks for anything
 * else goes to the complete server for good. Answers for small files that never change are kept.
 */
export class QuickLane {
  readonly #folder: StaticFolder;
  readonly #options: QuickLaneOptions;
  readonly #kept = new Map<string, Kept>();
  #keptBytes = 0;
  readonly #open = new Set<QuickConnection>();
  readonly #turns = new Turns();
  readonly spare = new SpareBuffers();
  #date = { until: 0, text: '' };

  constructor(folder: StaticFolder, options: QuickLaneOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  take(socket: Socket): void {
    const connection = new QuickConnection(socket, this, () => this.#open.delete(connection));
    this.#open.add(connection);
    this.#turns.arrived();
  }

  /** A connection is on its way here: requests of others wait for it as for one that has come. */
  expect(): void {
    this.#turns.arrived();
  }

  /** Whether requests are to wait for their turn. */
  get holds(): boolean {
    return this.#turns.holds;
  }

  queue(answer: () => void): void {
    this.#turns.queue(answer);
  }

  /** Ends connections that wait for requests at once, and others after their answer. */
  leave(): void {
    for (const connection of this.#open) connection.leave();
  }

  close(): void {
    for (const connection of this.#open) connection.destroy();
    this.#kept.clear();
  }

  hand(socket: Socket): void {
    this.#options.hand(socket);
  }

  get onRequest(): QuickLaneOptions['onRequest'] {
    return this.#options.onRequest;
  }

  #dateText(now: number): string {
    if (now >= this.#date.until) {
      const real = Date.now();
      this.#date = { until: now + 1000 - (real % 1000), text: new Date(real).toUTCString() };
    }
    return this.#date.text;
  }

  /** The answer for a path; undefined when it is not for this lane, or something failed that the complete server is to name. */
  answer(path: string): QuickAnswer | undefined {
    try {
      return this.#answer(path);
    } catch {
      return undefined;
    }
  }

  #answer(path: string): QuickAnswer | undefined {
    const now = performance.now();
    const kept = this.#kept.get(path);
    if (kept !== undefined && kept.until > now)
      return { status: 200, head: this.#dated(kept, now), fd: undefined, size: 0 };
    const relative = this.#folder.relativePath(path);
    if (relative === undefined || this.#options.passes(relative)) return undefined;
    const file = this.#folder.open(relative);
    if (file === undefined) {
      if (kept !== undefined) this.#forget(path, kept);
      return { status: 404, head: this.#missing(now), fd: undefined, size: 0 };
    }
    const { fd, stat } = file;
    let held = true;
    try {
      if (!stat.isFile()) return undefined;
      if (kept !== undefined && isSame(kept.stat, stat)) {
        kept.until = now + trust;
        return { status: 200, head: this.#dated(kept, now), fd: undefined, size: 0 };
      }
      if (kept !== undefined) this.#forget(path, kept);
      const { text, dateAt, date } = this.#head(stat, this.#options.cacheControl(relative), now);
      if (stat.size > piece) {
        held = false;
        return { status: 200, head: Buffer.from(text, 'latin1'), fd, size: stat.size };
      }
      const lent = stat.size > keptFile ? this.spare.take() : undefined;
      const length = text.length + stat.size;
      const head = lent === undefined ? Buffer.allocUnsafe(length) : lent.subarray(0, length);
      head.write(text, 'latin1');
      if (!readWhole(fd, head, text.length, stat.size)) return undefined;
      if (lent !== undefined) return { status: 200, head, fd: undefined, size: 0, lent };
      if (text.includes(', immutable\r\n'))
        this.#keep(path, { bytes: Buffer.from(head), dateAt, date, stat, until: now + trust });
      return { status: 200, head, fd: undefined, size: 0 };
    } finally {
      if (held) closeSync(fd);
    }
  }

  #head(stat: Stats, cache: string | undefined, now: number): { text: string; dateAt: number; date: string } {
    const fields = [
      'HTTP/1.1 200 OK',
      `etag: ${entityTag(stat)}`,
      `last-modified: ${httpDate(stat)}`,
      'accept-ranges: bytes',
      'content-type: application/octet-stream',
      ...(cache === undefined ? [] : [`cache-control: ${cache}`]),
      `content-length: ${stat.size}`,
      'Connection: keep-alive',
      `Keep-Alive: timeout=${idle / 1000}`,
      'Date: ',
    ].join('\r\n');
    const date = this.#dateText(now);
    return { text: `${fields}${date}${blank}`, dateAt: fields.length, date };
  }

  #missing(now: number): Buffer {
    const fields = `HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${idle / 1000}`;
    return Buffer.from(`${fields}\r\nDate: ${this.#dateText(now)}${blank}`, 'latin1');
  }

  #dated(kept: Kept, now: number): Buffer {
    const date = this.#dateText(now);
    if (kept.date !== date) {
      kept.date = date;
      // Of the same length, so a copy that is still on its way stays a whole answer.
      kept.bytes.write(date, kept.dateAt, 'latin1');
    }
    return kept.bytes;
  }

  #keep(path: string, kept: Kept): void {
    // The oldest go first.
    for (const [old, entry] of this.#kept) {
      if (this.#keptBytes + kept.bytes.length <= keptTotal) break;
      this.#forget(old, entry);
    }
    this.#kept.set(path, kept);
    this.#keptBytes += kept.bytes.length;
  }

  #forget(path: string, kept: Kept): void {
    if (this.#kept.delete(path)) this.#keptBytes -= kept.bytes.length;
  }
}

function isSame(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;
}

/** False for a file that shrank meanwhile. */
function readWhole(fd: number, into: Buffer, at: number, size: number): boolean {
  for (let have = 0; have < size; ) {
    const n = readSync(fd, into, at + have, size - have, have);
    if (n === 0) return false;
    have += n;
  }
  return true;
}
