import { curlError } from './failure.ts';

export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What a reader finds, in this order; `onData` any number of times, its bytes valid during the call only. */
export interface ResponseEvents {
  onHead(status: number, headers: Headers): void;
  onData(bytes: Buffer): void;
  onEnd(): void;
}

type State = 'head' | 'length' | 'size' | 'chunk' | 'chunk-end' | 'trailer' | 'until-close' | 'done';

const headLimit = 64 * 1024;
const sizeLineLimit = 4096;
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/;
const fieldName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const none = Buffer.alloc(0);

/**
 * Reads HTTP/1.x responses to GET from the bytes of a connection (RFC 9112), one after another. Throws `Network` for what
 * is not HTTP, with libcurl's numbers.
 */
export class ResponseReader {
  readonly #events: ResponseEvents;
  #state: State = 'done';
  /** Bytes of a head or a line that is not complete. */
  #carry: Buffer = none;
  /** Bytes of the body or of the chunk to come. */
  #left = 0;
  /** Bytes of heads and trailers of this response. */
  #headBytes = 0;
  #keepAlive = false;
  #started = false;

  constructor(events: ResponseEvents) {
    this.#events = events;
  }

  /** A request was sent: a response is to come. */
  expect(): void {
    this.#state = 'head';
    this.#carry = none;
    this.#headBytes = 0;
    this.#started = false;
  }

  /** Whether a byte of the response has come. */
  get started(): boolean {
    return this.#started;
  }

  /** Whether the connection can be used again once the response has ended. */
  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  push(bytes: Buffer): void {
    this.#started = true;
    let rest = bytes;
    while (rest.length > 0) {
      switch (this.#state) {
        case 'head':
        case 'trailer':
          rest = this.#head(rest);
          break;
        case 'length':
        case 'chunk':
          rest = this.#body(rest);
          break;
        case 'size':
        case 'chunk-end':
          rest = this.#line(rest);
          break;
        case 'until-close':
          this.#events.onData(rest);
          return;
        case 'done':
          // Something that nobody asked for.
          this.#keepAlive = false;
          return;
      }
    }
  }

  /** The other side sends no more. Throws when the response is not complete. */
  end(): void {
    if (this.#state === 'done') return;
    if (this.#state !== 'until-close') throw curlError(this.#state === 'head' ? 52 : 18);
    this.#finish();
  }

  #finish(): void {
    this.#state = 'done';
    this.#events.onEnd();
  }

  #body(bytes: Buffer): Buffer {
    const now = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= now.length;
    this.#events.onData(now);
    if (this.#left === 0) {
      if (this.#state === 'chunk') this.#state = 'chunk-end';
      else this.#finish();
    }
    return bytes.subarray(now.length);
  }

  /** Takes bytes up to and with `mark`; undefined when it has not come yet. */
  #upTo(mark: string, bytes: Buffer, limit: number): { text: string; rest: Buffer } | undefined {
    const have = this.#carry.length === 0 ? bytes : Buffer.concat([this.#carry, bytes]);
    const at = have.indexOf(mark, 0, 'latin1');
    if ((at < 0 ? have.length : at) > limit) throw curlError(56);
    if (at < 0) {
      // The buffer that the bytes lie in is used again.
      this.#carry = this.#carry.length === 0 ? Buffer.from(have) : have;
      return undefined;
    }
    this.#carry = none;
    return { text: have.toString('latin1', 0, at), rest: have.subarray(at + mark.length) };
  }

  #line(bytes: Buffer): Buffer {
    const line = this.#upTo('\r\n', bytes, sizeLineLimit);
    if (line === undefined) return none;
    if (this.#state === 'chunk-end') {
      if (line.text !== '') throw curlError(56);
      this.#state = 'size';
      return line.rest;
    }
    const size = /^[0-9a-fA-F]{1,13}(?=[ \t]*(?:;|$))/.exec(line.text);
    if (size === null) throw curlError(56);
    this.#left = Number.parseInt(size[0], 16);
    this.#state = this.#left === 0 ? 'trailer' : 'chunk';
    // The blank line after the trailer ends it; with this one in front it is found where there is no trailer, too.
    if (this.#left === 0) this.#carry = Buffer.from('\r\n');
    return line.rest;
  }

  #head(bytes: Buffer): Buffer {
    const head = this.#upTo('\r\n\r\n', bytes, headLimit);
    if (head === undefined) return none;
    this.#headBytes += head.text.length;
    if (this.#headBytes > headLimit) throw curlError(56);
    if (this.#state === 'trailer') this.#finish();
    else this.#startBody(head.text);
    return head.rest;
  }

  #startBody(text: string): void {
    const lines = text.split('\r\n');
    const found = statusLine.exec(lines[0]!);
    if (found === null) throw curlError(lines[0]!.startsWith('HTTP/') ? 56 : 1);
    const status = Number(found[2]);
    if (status === 101) throw curlError(56);
    // Another head follows.
    if (status < 200) return;
    const headers = readFields(lines);
    this.#keepAlive = keepsAlive(found[1] === '1', headers);
    this.#state = this.#framing(status, headers);
    this.#events.onHead(status, headers);
    if (this.#state === 'length' && this.#left === 0) this.#finish();
  }

  #framing(status: number, headers: Headers): State {
    this.#left = 0;
    if (status === 204 || status === 304) return 'length';
    const coding = headers['transfer-encoding'];
    if (coding !== undefined) {
      if (String(coding).trim().toLowerCase() !== 'chunked') throw curlError(61);
      // Both together is how responses are smuggled; the connection is not trusted with another one.
      if (headers['content-length'] !== undefined) this.#keepAlive = false;
      return 'size';
    }
    const length = headers['content-length'];
    if (length === undefined) {
      this.#keepAlive = false;
      return 'until-close';
    }
    const [first, ...more] = Array.isArray(length) ? length : length.split(/\s*,\s*/);
    if (first === undefined || !/^\d{1,15}$/.test(first) || more.some((other) => other !== first)) throw curlError(8);
    this.#left = Number(first);
    return 'length';
  }
}

/** Header fields after the first line, names in lower case; a name given more than once has a list. */
function readFields(lines: readonly string[]): Headers {
  const out: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (colon < 1 || !fieldName.test(name)) throw curlError(56);
    const value = line.slice(colon + 1).trim();
    const before = out[name];
    if (before === undefined) out[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else out[name] = [before, value];
  }
  return out;
}

function keepsAlive(isHttp11: boolean, headers: Headers): boolean {
  const tokens = String(headers['connection'] ?? '').toLowerCase();
  return isHttp11 ? !/\bclose\b/.test(tokens) : /\bkeep-alive\b/.test(tokens);
}
