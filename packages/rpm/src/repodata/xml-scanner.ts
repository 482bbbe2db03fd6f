// A pull scanner over the bytes of one XML fragment. Repository metadata is tens of megabytes of small elements;
// this reads it without making a string per tag. Documents people write go through `xml-document.ts`.
import { CoppiceError } from '@coppice/base';

export const xmlEvent = { end: 0, open: 1, close: 2, text: 3 } as const;

const lt = 0x3c;
const gt = 0x3e;
const slash = 0x2f;
const quote = 0x22;
const apostrophe = 0x27;
const equals = 0x3d;
const ampersand = 0x26;

const isSpace = (c: number): boolean => c === 0x20 || c === 0x0a || c === 0x09 || c === 0x0d;

export class XmlScanner {
  buffer: Buffer = Buffer.alloc(0);
  at = 0;
  #what: string;
  /** Of the element opened or closed last. */
  nameStart = 0;
  nameEnd = 0;
  /** Of the character data read last. */
  textStart = 0;
  textEnd = 0;
  attributeCount = 0;
  /** Name start, name end, value start, value end of each attribute. */
  readonly attributes: number[] = [];
  #pendingClose = false;
  readonly #open: number[] = [];

  constructor(what: string) {
    this.#what = what;
  }

  reset(buffer: Buffer): void {
    this.buffer = buffer;
    this.at = 0;
    this.#open.length = 0;
    this.#pendingClose = false;
  }

  get depth(): number {
    return this.#open.length / 2;
  }

  bad(why: string): CoppiceError {
    return new CoppiceError('Invalid', `${this.#what}: ${why}`);
  }

  /** The next event. Comments and processing instructions are passed over; elements must nest. */
  next(): number {
    const { buffer } = this;
    if (this.#pendingClose) {
      this.#pendingClose = false;
      this.#open.length -= 2;
      return xmlEvent.close;
    }
    for (;;) {
      const length = buffer.length;
      if (this.at >= length) {
        if (this.#open.length > 0) throw this.bad('unexpected end');
        return xmlEvent.end;
      }
      if (buffer[this.at] !== lt) {
        this.textStart = this.at;
        const found = buffer.indexOf(lt, this.at);
        this.at = this.textEnd = found < 0 ? length : found;
        return xmlEvent.text;
      }
      const c = buffer[this.at + 1]!;
      if (c === slash) return this.#close();
      if (c === 0x3f) {
        this.#skipTo('?>', 2);
        continue;
      }
      if (c === 0x21) {
        if (buffer.toString('latin1', this.at, this.at + 4) === '<!--') {
          this.#skipTo('-->', 4);
          continue;
        }
        if (buffer.toString('latin1', this.at, this.at + 9) === '<![CDATA[') {
          this.textStart = this.at + 9;
          this.#skipTo(']]>', 9);
          this.textEnd = this.at - 3;
          return xmlEvent.text;
        }
        throw this.bad('document types are not accepted');
      }
      return this.#openTag();
    }
  }

  #skipTo(mark: string, from: number): void {
    const found = this.buffer.indexOf(mark, this.at + from, 'latin1');
    if (found < 0) throw this.bad('unexpected end');
    this.at = found + mark.length;
  }

  #close(): number {
    const { buffer } = this;
    this.nameStart = this.at + 2;
    const end = buffer.indexOf(gt, this.nameStart);
    if (end < 0) throw this.bad('unexpected end');
    let nameEnd = end;
    while (nameEnd > this.nameStart && isSpace(buffer[nameEnd - 1]!)) nameEnd--;
    this.nameEnd = nameEnd;
    const openEnd = this.#open.pop();
    const openStart = this.#open.pop();
    if (openStart === undefined || openEnd === undefined || openEnd - openStart !== nameEnd - this.nameStart)
      throw this.bad('end tag without its start tag');
    for (let i = 0; openStart + i < openEnd; i++)
      if (buffer[openStart + i] !== buffer[this.nameStart + i]) throw this.bad('end tag without its start tag');
    this.at = end + 1;
    return xmlEvent.close;
  }

  #openTag(): number {
    const { buffer, attributes } = this;
    const { length } = buffer;
    let at = this.at + 1;
    const start = at;
    let c = buffer[at] ?? 0;
    while (at < length && c !== gt && c !== slash && !isSpace(c)) c = buffer[++at] ?? 0;
    if (at === start) throw this.bad('empty tag name');
    this.nameStart = start;
    this.nameEnd = at;
    let count = 0;
    for (;;) {
      while (at < length && isSpace(buffer[at]!)) at++;
      if (at >= length) throw this.bad('unexpected end');
      c = buffer[at]!;
      if (c === gt) {
        at++;
        break;
      }
      if (c === slash) {
        if (buffer[at + 1] !== gt) throw this.bad('malformed tag');
        at += 2;
        this.#pendingClose = true;
        break;
      }
      const nameStart = at;
      while (at < length && buffer[at] !== equals && !isSpace(buffer[at]!) && buffer[at] !== gt) at++;
      const nameEnd = at;
      while (at < length && isSpace(buffer[at]!)) at++;
      if (buffer[at] !== equals || nameEnd === nameStart) throw this.bad('malformed attribute');
      at++;
      while (at < length && isSpace(buffer[at]!)) at++;
      const mark = buffer[at];
      if (mark !== quote && mark !== apostrophe) throw this.bad('attribute without quotes');
      const valueStart = ++at;
      while (at < length && buffer[at] !== mark) at++;
      if (at >= length) throw this.bad('unexpected end');
      const k = count * 4;
      attributes[k] = nameStart;
      attributes[k + 1] = nameEnd;
      attributes[k + 2] = valueStart;
      attributes[k + 3] = at;
      if (++count > 64) throw this.bad('too many attributes');
      at++;
    }
    this.attributeCount = count;
    this.at = at;
    if (this.#open.length > 128) throw this.bad('nested too deeply');
    this.#open.push(this.nameStart, this.nameEnd);
    return xmlEvent.open;
  }

  name(): string {
    return this.buffer.toString('latin1', this.nameStart, this.nameEnd);
  }

  /** Position in `attributes` of an attribute by name, -1 when absent. */
  findAttribute(name: Buffer): number {
    for (let i = 0; i < this.attributeCount; i++) {
      const start = this.attributes[i * 4]!;
      if (this.attributes[i * 4 + 1]! - start !== name.length) continue;
      let k = 0;
      while (k < name.length && this.buffer[start + k] === name[k]) k++;
      if (k === name.length) return i * 4;
    }
    return -1;
  }

  attribute(name: string): string | undefined {
    const found = this.findAttribute(Buffer.from(name));
    return found < 0 ? undefined : this.decode(this.attributes[found + 2]!, this.attributes[found + 3]!);
  }

  hasEntity(start: number, end: number): boolean {
    for (let i = start; i < end; i++) if (this.buffer[i] === ampersand) return true;
    return false;
  }

  /** Text of a range with its character references resolved. */
  decode(start: number, end: number): string {
    const text = this.buffer.toString('utf8', start, end);
    return text.includes('&') ? resolveReferences(text, (why) => this.bad(why)) : text;
  }
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function resolveReferences(text: string, bad: (why: string) => CoppiceError): string {
  return text.replace(/&([^;&]{0,12});?/g, (whole, body: string) => {
    if (!whole.endsWith(';')) throw bad('malformed character reference');
    if (body.startsWith('#')) {
      const code = body[1] === 'x' ? Number.parseInt(body.slice(2), 16) : Number.parseInt(body.slice(1), 10);
      if (!(code > 0 && code <= 0x10ffff)) throw bad('malformed character reference');
      return String.fromCodePoint(code);
    }
    const value = Object.hasOwn(named, body) ? named[body] : undefined;
    if (value === undefined) throw bad(`unknown entity &${body};`);
    return value;
  });
}

/** Bytes that come in pieces, with room to grow, so that an element in many pieces is not copied for each of them. */
class Gathered {
  #store: Buffer = Buffer.alloc(0);
  #length = 0;

  get bytes(): Buffer {
    return this.#store.subarray(0, this.#length);
  }

  add(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#store.length) {
      // What was given out before keeps its bytes.
      const store = Buffer.allocUnsafe(this.#length === 0 ? length : Math.max(length, 2 * this.#length));
      store.set(this.bytes);
      this.#store = store;
    }
    this.#store.set(chunk, this.#length);
    this.#length = length;
  }

  drop(count: number): void {
    this.#store = this.#store.subarray(count, this.#length);
    this.#length -= count;
  }
}

const marks = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
] as const;

/** Passes over comments and CDATA sections, each byte once. */
class MarkedSections {
  /** Up to here all is known to be outside of them or in a whole one. */
  #at = 0;
  /** What ends the section that begins at `#at`, and where that is looked for. */
  #ending: string | undefined;
  #from = 0;

  /** Where it is sensible to go on looking when `position` is inside a section: its end, or -1 as long as that has not come. */
  endAround(bytes: Buffer, position: number): number | undefined {
    for (;;) {
      if (this.#ending === undefined) {
        const found = bytes.indexOf('<!', this.#at, 'latin1');
        if (found < 0 || found >= position) return undefined;
        const mark = marks.find(([start]) => bytes.toString('latin1', found, found + start.length) === start);
        this.#at = found + 2;
        if (mark === undefined) continue;
        this.#ending = mark[1];
        this.#from = found + mark[0].length;
      }
      const end = bytes.indexOf(this.#ending, this.#from, 'latin1');
      if (end < 0) {
        this.#from = Math.max(this.#from, bytes.length - 2);
        return -1;
      }
      this.#at = end + this.#ending.length;
      this.#ending = undefined;
      if (this.#at > position) return this.#at;
    }
  }

  drop(count: number): void {
    this.#at = Math.max(0, this.#at - count);
    this.#from -= count;
  }
}

/**
 * Cuts a document of `<package>` (or other) elements into complete elements; what stands before the first (the root's
 * start tag) is given to `head`. An element over `limit` bytes throws `Limit`.
 */
export function* packageElements(
  source: Iterable<Uint8Array>,
  what: string,
  head: (text: string) => void,
  limit = 32 * 1024 * 1024,
  name = 'package',
): Generator<Buffer> {
  const closing = Buffer.from(`</${name}>`);
  const opening = `<${name}`;
  const pending = new Gathered();
  const sections = new MarkedSections();
  const tooLarge = (): CoppiceError => new CoppiceError('Limit', `${what}: element is larger than ${limit} bytes`);
  let sawHead = false;
  let from = 0;
  for (const chunk of source) {
    pending.add(chunk);
    const { bytes } = pending;
    let start = 0;
    for (;;) {
      const found = bytes.indexOf(closing, from);
      if (found < 0) {
        from = Math.max(from, bytes.length - closing.length + 1);
        break;
      }
      // A closing tag inside a comment or CDATA section does not count.
      const marked = sections.endAround(bytes, found);
      if (marked !== undefined) {
        from = marked < 0 ? found : marked;
        if (marked < 0) break;
        continue;
      }
      const end = found + closing.length;
      let element = bytes.subarray(start, end);
      if (!sawHead) {
        const first = firstElement(element, opening);
        if (first < 0) throw new CoppiceError('Invalid', `${what}: malformed document`);
        head(element.toString('utf8', 0, first));
        sawHead = true;
        element = element.subarray(first);
      }
      if (element.length > limit) throw tooLarge();
      from = end;
      start = end;
      yield element;
    }
    if (start > 0) {
      pending.drop(start);
      sections.drop(start);
      from -= start;
    }
    if (bytes.length - start > limit) throw tooLarge();
  }
  const rest = pending.bytes.toString('utf8');
  if (!sawHead) head(rest);
  if (!isEnd(rest, sawHead)) throw new CoppiceError('Invalid', `${what}: unexpected end of document`);
}

/** Whether a document is over: its last tag closes and nothing but comments comes after; `alone`: nothing comes before it. */
function isEnd(text: string, alone: boolean): boolean {
  const tag = alone ? /^\s*<\/[A-Za-z:]+>/.exec(text) : lastTag(text);
  if (tag === null) return false;
  for (let at = tag.index + tag[0].length; ; ) {
    const space = /\S|$/g;
    space.lastIndex = at;
    at = space.exec(text)!.index;
    if (at === text.length) return true;
    const end = text.startsWith('<!--', at) ? text.indexOf('-->', at + 4) : -1;
    if (end < 0) return false;
    at = end + 3;
  }
}

/** The tag that closes a document without elements of interest. */
function lastTag(text: string): RegExpExecArray | null {
  let last: RegExpExecArray | null = null;
  for (const tag of text.matchAll(/<!--[\s\S]*?(?:-->|$)|<\/[A-Za-z:]+>|<[A-Za-z:][^<>]*\/>/g))
    if (!tag[0].startsWith('<!--')) last = tag;
  return last;
}

/** Where the first element starts: its name must end there (`<updates>` is no `<update>`). */
function firstElement(bytes: Buffer, opening: string): number {
  let at = bytes.indexOf(opening);
  while (at >= 0 && !/[\s/>]/.test(String.fromCharCode(bytes[at + opening.length] ?? 0)))
    at = bytes.indexOf(opening, at + 1);
  return at;
}
