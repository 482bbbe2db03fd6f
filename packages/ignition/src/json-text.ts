// A JSON reader that fails where and how Go's encoding/json fails and that keeps byte offsets.

export type JsonNode = JsonLeaf | JsonArray | JsonObject;
interface JsonSpan {
  /** Byte offsets: of the first byte, and behind the last one. */
  readonly start: number;
  readonly end: number;
}
export interface JsonLeaf extends JsonSpan {
  readonly kind: 'string' | 'number' | 'bool' | 'null';
  /** The decoded string, the digits of a number, `true`, `false` or `null`. */
  readonly text: string;
}
export interface JsonArray extends JsonSpan {
  readonly kind: 'array';
  readonly items: readonly JsonNode[];
}
export interface JsonObject extends JsonSpan {
  readonly kind: 'object';
  readonly members: readonly { readonly key: string; readonly keyStart: number; readonly node: JsonNode }[];
}

/** A fault of the text: Go's message and the number of bytes read when it was found. */
export class JsonFault {
  readonly message: string;
  readonly offset: number;
  constructor(message: string, offset: number) {
    this.message = message;
    this.offset = offset;
  }
}

/** Deepest nesting that Go accepts. */
const maxDepth = 10000;

/** Values of a text; far more than an instance takes, few enough for the memory of one. */
const maxValues = 400_000;

/** Reads one JSON value that fills the text. */
export function readJson(bytes: Uint8Array): JsonNode | JsonFault {
  const reader = new JsonReader(bytes);
  try {
    return reader.document();
  } catch (fault) {
    if (fault instanceof JsonFault) return fault;
    throw fault;
  }
}

function quoteByte(byte: number): string {
  const c = String.fromCharCode(byte);
  if (c === "'") return "'\\''";
  if (c === '"') return `'"'`;
  const named: Record<string, string> = {
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\\': '\\\\',
    '\x07': '\\a',
    '\b': '\\b',
    '\f': '\\f',
    '\v': '\\v',
  };
  if (named[c] !== undefined) return `'${named[c]}'`;
  if (byte < 0x20 || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, '0')}'`;
  if ((byte >= 0x80 && byte < 0xa1) || byte === 0xad) return `'\\u00${byte.toString(16)}'`;
  return `'${c}'`;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

// Collections whose end has not been read.
interface OpenedArray {
  readonly kind: 'array';
  readonly items: JsonNode[];
  readonly start: number;
}
interface OpenedObject {
  readonly kind: 'object';
  readonly members: { key: string; keyStart: number; node: JsonNode }[];
  readonly start: number;
  key: string;
  keyStart: number;
}
type Opened = OpenedArray | OpenedObject;

class JsonReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  document(): JsonNode {
    const node = this.#value();
    this.#space();
    if (this.#at < this.#bytes.length) this.#bad('after top-level value');
    return node;
  }

  #bad(context: string): never {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new JsonFault('unexpected end of JSON input', this.#bytes.length);
    throw new JsonFault(`invalid character ${quoteByte(byte)} ${context}`, this.#at + 1);
  }

  #space(): void {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at++;
    }
  }

  /** One value with all that it holds. What is open lies on a stack of its own: nesting must not use up the call stack. */
  #value(): JsonNode {
    const open: Opened[] = [];
    for (;;) {
      this.#space();
      let done = this.#start(open);
      while (done !== undefined) {
        const top = open.at(-1);
        if (top === undefined) return done;
        if (top.kind === 'array') top.items.push(done);
        else top.members.push({ key: top.key, keyStart: top.keyStart, node: done });
        done = this.#next(top, open);
      }
    }
  }

  /** A leaf or an empty collection; undefined when a collection was opened. */
  #start(open: Opened[]): JsonNode | undefined {
    const start = this.#at;
    if (++this.#values > maxValues) throw new JsonFault(`more than ${maxValues} values`, start);
    const byte = this.#bytes[start];
    if (byte === 0x7b || byte === 0x5b) {
      if (open.length >= maxDepth) throw new JsonFault('exceeded max depth', start + 1);
      this.#at++;
      this.#space();
      if (this.#bytes[this.#at] === byte + 2) {
        this.#at++;
        return byte === 0x5b
          ? { kind: 'array', items: [], start, end: this.#at }
          : { kind: 'object', members: [], start, end: this.#at };
      }
      if (byte === 0x5b) open.push({ kind: 'array', items: [], start });
      else {
        const top: OpenedObject = { kind: 'object', members: [], start, key: '', keyStart: 0 };
        open.push(top);
        this.#key(top);
      }
      return undefined;
    }
    if (byte === 0x22) {
      const text = this.#string();
      return { kind: 'string', text, start, end: this.#at };
    }
    if (byte === 0x2d || (byte !== undefined && byte >= 0x30 && byte <= 0x39)) return this.#number(start);
    if (byte === 0x74) return this.#literal('true', 'bool');
    if (byte === 0x66) return this.#literal('false', 'bool');
    if (byte === 0x6e) return this.#literal('null', 'null');
    this.#bad('looking for beginning of value');
  }

  /** Behind a value: the closed collection, or undefined when another value follows. */
  #next(top: Opened, open: Opened[]): JsonNode | undefined {
    this.#space();
    const byte = this.#bytes[this.#at];
    if (byte === (top.kind === 'array' ? 0x5d : 0x7d)) {
      this.#at++;
      open.pop();
      const { start } = top;
      return top.kind === 'array'
        ? { kind: 'array', items: top.items, start, end: this.#at }
        : { kind: 'object', members: top.members, start, end: this.#at };
    }
    if (byte !== 0x2c) this.#bad(top.kind === 'array' ? 'after array element' : 'after object key:value pair');
    this.#at++;
    if (top.kind === 'object') this.#key(top);
    return undefined;
  }

  #key(top: OpenedObject): void {
    this.#space();
    top.keyStart = this.#at;
    if (this.#bytes[this.#at] !== 0x22) this.#bad('looking for beginning of object key string');
    top.key = this.#string();
    this.#space();
    if (this.#bytes[this.#at] !== 0x3a) this.#bad('after object key');
    this.#at++;
  }

  #literal(word: string, kind: 'bool' | 'null'): JsonLeaf {
    const start = this.#at++;
    for (let i = 1; i < word.length; i++) {
      if (this.#bytes[this.#at] !== word.charCodeAt(i)) this.#bad(`in literal ${word} (expecting '${word[i]}')`);
      this.#at++;
    }
    return { kind, text: word, start, end: this.#at };
  }

  #digits(): number {
    const from = this.#at;
    while (this.#bytes[this.#at]! >= 0x30 && this.#bytes[this.#at]! <= 0x39) this.#at++;
    return this.#at - from;
  }

  #number(start: number): JsonLeaf {
    if (this.#bytes[this.#at] === 0x2d) this.#at++;
    if (this.#bytes[this.#at] === 0x30) this.#at++;
    else if (this.#digits() === 0) this.#bad('in numeric literal');
    if (this.#bytes[this.#at] === 0x2e) {
      this.#at++;
      if (this.#digits() === 0) this.#bad('after decimal point in numeric literal');
    }
    if (this.#bytes[this.#at] === 0x65 || this.#bytes[this.#at] === 0x45) {
      this.#at++;
      if (this.#bytes[this.#at] === 0x2b || this.#bytes[this.#at] === 0x2d) this.#at++;
      if (this.#digits() === 0) this.#bad('in exponent of numeric literal');
    }
    return { kind: 'number', text: decoder.decode(this.#bytes.subarray(start, this.#at)), start, end: this.#at };
  }

  #string(): string {
    const start = ++this.#at;
    let escaped = false;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || byte < 0x20) this.#bad('in string literal');
      if (byte === 0x22) break;
      this.#at++;
      if (byte !== 0x5c) continue;
      escaped = true;
      const code = this.#bytes[this.#at];
      if (code === 0x75) {
        this.#at++;
        for (let i = 0; i < 4; i++, this.#at++) {
          const hex = this.#bytes[this.#at];
          if (hex === undefined || !/[0-9a-fA-F]/.test(String.fromCharCode(hex)))
            this.#bad('in \\u hexadecimal character escape');
        }
      } else if (code === undefined || !'bfnrt\\/"'.includes(String.fromCharCode(code)))
        this.#bad('in string escape code');
      else this.#at++;
    }
    const raw = decoder.decode(this.#bytes.subarray(start, this.#at++));
    return escaped ? unescapeJson(raw) : raw;
  }
}

const shortEscapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

function unescapeJson(raw: string): string {
  const text = raw.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, hex: string | undefined, c: string) =>
    hex !== undefined ? String.fromCharCode(Number.parseInt(hex, 16)) : (shortEscapes[c] ?? c),
  );
  return text.toWellFormed();
}
