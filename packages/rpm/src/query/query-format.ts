// rpm's query format language (`rpm --queryformat`): text with `%{TAG:format}`, `[ ]` for every element of array tags
// and `%|TAG?{there}:{not there}|`.

import { encodeText } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import type { Header } from '../header/header.ts';
import { type QueryFacts, queryTag, rawTagValue, type TagValue, tagValue } from './tag-value.ts';
import { latin, tagName, type ValueFormat, valueFormats } from './value-format.ts';

/** Stands for every tag in turn. */
const everyTag = -2;

interface TagToken {
  readonly kind: 'tag';
  readonly tag: number;
  readonly formatName: string;
  readonly format: ValueFormat;
  /** The first element also inside an array. */
  readonly justOne: boolean;
  /** As printf's `%WIDTHs`; negative for left. */
  readonly width: number;
}

type Token =
  | { readonly kind: 'text'; readonly text: string }
  | TagToken
  | { readonly kind: 'array'; readonly tokens: readonly Token[] }
  | { readonly kind: 'condition'; readonly tag: number | undefined; readonly yes: Token[]; readonly no: Token[] };

export type QueryFormat = readonly Token[];

const incorrect = (why: string): CoppiceError => new CoppiceError('Usage', `incorrect format: ${why}`);

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Arrays and conditions inside each other. */
const deepest = 200;

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
  }

  #peek(): string {
    return this.#source[this.#at] ?? '';
  }

  /** Tokens up to `end` (which is taken) or the end of the format. */
  tokens(end: '' | ']' | '}', open: string): Token[] {
    if (++this.#depth > deepest) throw incorrect('nested too deeply');
    const out: Token[] = [];
    let text = '';
    const flush = (): void => {
      if (text !== '') out.push({ kind: 'text', text });
      text = '';
    };
    for (;;) {
      const c = this.#peek();
      if (c === '') {
        if (end !== '') throw incorrect(open);
        flush();
        return out;
      }
      if (c === ']' || c === '}') {
        if (c !== end) throw incorrect(`unexpected ${c}`);
        this.#at++;
        this.#depth--;
        flush();
        return out;
      }
      if (c === '%' && this.#source[this.#at + 1] !== '%') {
        flush();
        this.#at++;
        out.push(this.#peek() === '|' ? this.#condition() : this.#tag());
        continue;
      }
      if (c === '[') {
        flush();
        this.#at++;
        out.push({ kind: 'array', tokens: this.tokens(']', '] expected at end of array') });
        continue;
      }
      if (c === '%') this.#at++;
      if (c === '\\') {
        const next = this.#source[++this.#at] ?? '';
        text += Object.hasOwn(escapes, next) ? escapes[next]! : next;
      } else text += c;
      this.#at++;
    }
  }

  #tag(): TagToken {
    const start = this.#at;
    while (this.#peek() !== '' && this.#peek() !== '{' && this.#peek() !== '%') {
      if (!/[\d-]/.test(this.#peek())) throw incorrect('invalid field width');
      this.#at++;
    }
    if (this.#peek() !== '{') throw incorrect('missing { after %');
    const width = Number.parseInt(this.#source.slice(start, this.#at).replace(/^-+/, '-'), 10) || 0;
    if (Math.abs(width) > 65535) throw incorrect('invalid field width');
    const end = this.#source.indexOf('}', this.#at);
    if (end < 0) throw incorrect('missing } after %{');
    let body = this.#source.slice(this.#at + 1, end);
    this.#at = end + 1;
    const justOne = body.startsWith('=') || body.startsWith('#');
    let formatName = body.startsWith('#') ? 'arraysize' : 'string';
    if (justOne) body = body.slice(1);
    const colon = body.indexOf(':');
    if (colon >= 0) {
      formatName = body.slice(colon + 1);
      if (formatName === '') throw incorrect('empty tag format');
      body = body.slice(0, colon);
    }
    if (body === '') throw incorrect('empty tag name');
    const tag = body === '*' ? everyTag : queryTag(body);
    const format = valueFormats.get(formatName);
    if (tag === undefined || format === undefined) throw incorrect(`unknown tag: "${body}"`);
    return { kind: 'tag', tag, formatName, format, justOne, width };
  }

  #condition(): Token {
    this.#at++;
    const question = this.#source.indexOf('?', this.#at);
    if (question < 0) throw incorrect('? expected in expression');
    const tag = queryTag(this.#source.slice(this.#at, question));
    this.#at = question + 1;
    if (this.#peek() !== '{') throw incorrect('{ expected after ? in expression');
    this.#at++;
    const yes = this.#branch();
    if (this.#peek() === '|') {
      this.#at++;
      return { kind: 'condition', tag, yes, no: [] };
    }
    if (this.#peek() !== ':') throw incorrect(': expected following ? subexpression');
    this.#at++;
    if (this.#peek() !== '{') throw incorrect('{ expected after : in expression');
    this.#at++;
    const no = this.#branch();
    if (this.#peek() !== '|') throw incorrect('| expected at end of expression');
    this.#at++;
    return { kind: 'condition', tag, yes, no };
  }

  #branch(): Token[] {
    const tokens = this.tokens('}', '} expected in expression');
    if (this.#peek() === '') throw incorrect('} expected in expression');
    return tokens;
  }
}

/** Reads a query format. Throws `Usage` in rpm's words. */
export function parseQueryFormat(format: string): QueryFormat {
  return new Parser(format).tokens('', '');
}

const countOf = (value: TagValue): number => (value.kind === 'binary' ? 1 : value.values.length);
const utf8 = (text: string): string => latin(encodeText(text));

class Printer {
  readonly #header: Header;
  readonly #facts: QueryFacts;
  readonly #raw: boolean;
  readonly #cache = new Map<number, TagValue | undefined>();

  constructor(header: Header, facts: QueryFacts, raw: boolean) {
    this.#header = header;
    this.#facts = facts;
    this.#raw = raw;
  }

  #value(tag: number): TagValue | undefined {
    if (!this.#cache.has(tag))
      this.#cache.set(tag, this.#raw ? rawTagValue(this.#header, tag) : tagValue(this.#header, tag, this.#facts));
    return this.#cache.get(tag);
  }

  token(token: Token, element: number): string {
    switch (token.kind) {
      case 'text':
        return utf8(token.text);
      case 'tag':
        return this.#tag(token, token.justOne ? 0 : element);
      case 'condition': {
        const there = token.tag !== undefined && (this.#header.has(token.tag) || this.#value(token.tag) !== undefined);
        return (there ? token.yes : token.no).map((t) => this.token(t, element)).join('');
      }
      case 'array':
        return this.#array(token.tokens);
    }
  }

  #tag(token: TagToken, element: number): string {
    const value = this.#value(token.tag);
    const size = value === undefined ? 0 : value.kind === 'binary' ? value.bytes.length : value.values.length;
    const text =
      value === undefined || element >= size
        ? '(none)'
        : token.format(value, element, token.tag, this.#facts.level ?? '4.18');
    return token.width < 0 ? text.padEnd(-token.width) : text.padStart(token.width);
  }

  #array(tokens: readonly Token[]): string {
    let count = 0;
    let found = false;
    for (const token of tokens) {
      if (token.kind !== 'tag' || token.justOne) continue;
      const value = this.#value(token.tag);
      if (value === undefined) continue;
      found = true;
      if (count > 0 && countOf(value) !== count) throw incorrect('array iterator used with different sized arrays');
      count = Math.max(count, countOf(value));
    }
    if (!found) return '';
    let out = '';
    for (let i = 0; i < count; i++) for (const token of tokens) out += this.token(token, i);
    const first = tokens[0];
    if (first?.kind !== 'tag' || first.formatName !== 'xml') return out;
    return `  <rpmTag name="${tagName(first.tag, this.#facts.level ?? '4.18')}">\n${out}  </rpmTag>\n`;
  }
}

/** A format that starts with `%{*...}` or `[%{*...}]` is printed once for every tag. */
function everyTagFormat(first: Token | undefined): { token: (tag: number) => Token; xml: boolean } | undefined {
  if (first?.kind === 'tag' && first.tag === everyTag)
    return { token: (tag) => ({ ...first, tag }), xml: first.formatName === 'xml' };
  if (first?.kind !== 'array') return undefined;
  const [inner, ...rest] = first.tokens;
  if (inner?.kind !== 'tag' || inner.tag !== everyTag) return undefined;
  return {
    token: (tag) => ({ kind: 'array', tokens: [{ ...inner, tag }, ...rest] }),
    xml: inner.formatName === 'xml',
  };
}

/**
 * A header in a query format, as the bytes rpm prints: what a header holds may be in any encoding. Throws `Usage` when
 * one `[ ]` names arrays of different lengths.
 */
export function formatHeader(header: Header, format: QueryFormat, facts: QueryFacts = {}): Buffer {
  const every = everyTagFormat(format[0]);
  const printer = new Printer(header, facts, every !== undefined);
  let out: string;
  if (every === undefined) out = format.map((token) => printer.token(token, 0)).join('');
  else {
    const all = header.tags().map((tag) => printer.token(every.token(tag), 0));
    out = every.xml ? `<rpmHeader>\n${all.join('')}</rpmHeader>\n` : all.join('');
  }
  return Buffer.from(out, 'latin1');
}
