import type { Cursor } from './cursor.ts';
import { NUL } from './cursor.ts';
import type { Mark } from './fault.ts';
import type { Token } from './token.ts';

// Scalars in their five styles (libyaml's scanner).

const plus = 43;
const minus = 45;

/** `|` and `>` scalars; `indent` is that of the parent. */
export function scanBlockScalar(cursor: Cursor, literal: boolean, parentIndent: number): Token {
  const start = cursor.mark();
  cursor.skip();
  const { chomping, increment } = readBlockHeader(cursor, start);
  const state = { indent: 0, breaks: '', end: cursor.mark() };
  if (increment > 0) state.indent = parentIndent >= 0 ? parentIndent + increment : increment;
  readBlockBreaks(cursor, state, parentIndent, start);
  const parts: string[] = [];
  let leadingBreak = '';
  let leadingBlank = false;
  cursor.need(1);
  while (cursor.column === state.indent && cursor.at() !== NUL) {
    const blank = cursor.isBlank();
    if (!literal && !leadingBlank && !blank && leadingBreak === '\n') {
      if (state.breaks === '') parts.push(' ');
    } else parts.push(leadingBreak);
    parts.push(state.breaks);
    state.breaks = '';
    leadingBlank = blank;
    parts.push(readRestOfLine(cursor));
    cursor.need(2);
    leadingBreak = cursor.readLine();
    readBlockBreaks(cursor, state, parentIndent, start);
  }
  if (chomping !== -1) parts.push(leadingBreak);
  if (chomping === 1) parts.push(state.breaks);
  return { type: 'scalar', start, end: state.end, value: parts.join(''), plain: false };
}

function readRestOfLine(cursor: Cursor): string {
  const from = cursor.pos;
  while (!cursor.isBreakOrEnd()) {
    cursor.skip();
    cursor.need(1);
  }
  return cursor.text.slice(from, cursor.pos);
}

function readBlockHeader(cursor: Cursor, start: Mark): { chomping: number; increment: number } {
  let chomping = 0;
  let increment = 0;
  const readChomping = (): boolean => {
    const c = cursor.at();
    if (c !== plus && c !== minus) return false;
    chomping = c === plus ? 1 : -1;
    cursor.skip();
    return true;
  };
  const readIncrement = (): boolean => {
    const c = cursor.at();
    if (c < 48 || c > 57) return false;
    if (c === 48) throw cursor.fault(start, 'found an indentation indicator equal to 0');
    increment = c - 48;
    cursor.skip();
    return true;
  };
  cursor.need(1);
  if (readChomping()) readIncrement();
  else if (readIncrement()) readChomping();
  while (cursor.isBlank()) {
    cursor.skip();
    cursor.need(1);
  }
  if (cursor.at() === 35) readRestOfLine(cursor);
  if (!cursor.isBreakOrEnd()) throw cursor.fault(start, 'did not find expected comment or line break');
  if (cursor.isBreak()) {
    cursor.need(2);
    cursor.skipLine();
  }
  return { chomping, increment };
}

/** Empty lines and indentation; finds the indentation when it is not known (0). */
function readBlockBreaks(
  cursor: Cursor,
  state: { indent: number; breaks: string; end: Mark },
  parentIndent: number,
  start: Mark,
): void {
  state.end = cursor.mark();
  let deepest = 0;
  for (;;) {
    cursor.need(1);
    while ((state.indent === 0 || cursor.column < state.indent) && cursor.at() === 32) {
      cursor.skip();
      cursor.need(1);
    }
    deepest = Math.max(deepest, cursor.column);
    if ((state.indent === 0 || cursor.column < state.indent) && cursor.at() === 9)
      throw cursor.fault(start, 'found a tab character where an indentation space is expected');
    if (!cursor.isBreak()) break;
    cursor.need(2);
    state.breaks += cursor.readLine();
    state.end = cursor.mark();
  }
  if (state.indent === 0) state.indent = Math.max(deepest, parentIndent + 1, 1);
}

/** Blanks and line breaks between the words of a flow scalar. */
interface Gap {
  whitespace: string;
  leadingBreak: string;
  trailingBreaks: string;
  leadingBlanks: boolean;
}

/** `tabIndent` is the column that tabs at the start of a line must have reached; `start` is where the scalar starts. */
function readGap(cursor: Cursor, gap: Gap, tabIndent: number, start: Mark): void {
  cursor.need(1);
  while (cursor.isBlank() || cursor.isBreak()) {
    if (cursor.isBlank()) {
      if (gap.leadingBlanks && cursor.column < tabIndent && cursor.at() === 9)
        throw cursor.fault(start, 'found a tab character that violates indentation');
      if (gap.leadingBlanks) cursor.skip();
      else gap.whitespace += cursor.read();
    } else {
      cursor.need(2);
      if (gap.leadingBlanks) gap.trailingBreaks += cursor.readLine();
      else {
        gap.whitespace = '';
        gap.leadingBreak += cursor.readLine();
        gap.leadingBlanks = true;
      }
    }
    cursor.need(1);
  }
}

/** What a gap becomes in the value: its blanks, or its line breaks folded. */
function foldGap(gap: Gap): string {
  let out: string;
  if (!gap.leadingBlanks) out = gap.whitespace;
  else if (gap.leadingBreak.startsWith('\n')) out = gap.trailingBreaks === '' ? ' ' : gap.trailingBreaks;
  else out = gap.leadingBreak + gap.trailingBreaks;
  gap.whitespace = '';
  gap.leadingBreak = '';
  gap.trailingBreaks = '';
  return out;
}

const quote = 39;
const doubleQuote = 34;
const backslash = 92;

export function scanQuotedScalar(cursor: Cursor, single: boolean): Token {
  const start = cursor.mark();
  const close = single ? quote : doubleQuote;
  cursor.skip();
  const parts: string[] = [];
  const gap: Gap = { whitespace: '', leadingBreak: '', trailingBreaks: '', leadingBlanks: false };
  for (;;) {
    cursor.need(4);
    if (cursor.isDocumentIndicator()) throw cursor.fault(start, 'found unexpected document indicator');
    if (cursor.at() === NUL) throw cursor.fault(start, 'found unexpected end of stream');
    cursor.need(2);
    gap.leadingBlanks = false;
    while (!cursor.isBlankOrEnd()) {
      const c = cursor.at();
      if (single && c === quote && cursor.at(1) === quote) {
        parts.push("'");
        cursor.skip();
        cursor.skip();
      } else if (c === close) break;
      else if (!single && c === backslash && cursor.isBreak(1)) {
        cursor.need(3);
        cursor.skip();
        cursor.skipLine();
        gap.leadingBlanks = true;
        break;
      } else if (!single && c === backslash) parts.push(readEscape(cursor, start));
      else parts.push(readQuotedRun(cursor, close));
      cursor.need(2);
    }
    cursor.need(1);
    if (cursor.at() === close) break;
    readGap(cursor, gap, -1, start);
    parts.push(foldGap(gap));
  }
  cursor.skip();
  return { type: 'scalar', start, end: cursor.mark(), value: parts.join(''), plain: false };
}

/** Characters that need no care, all at once. */
function readQuotedRun(cursor: Cursor, close: number): string {
  const from = cursor.pos;
  do {
    cursor.skip();
    cursor.need(2);
  } while (!cursor.isBlankOrEnd() && cursor.at() !== close && cursor.at() !== backslash);
  return cursor.text.slice(from, cursor.pos);
}

const escapes: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1b',
  ' ': ' ',
  '"': '"',
  "'": "'",
  '\\': '\\',
  N: '\u0085',
  _: '\u00a0',
  L: '\u2028',
  P: '\u2029',
};
const escapeLengths: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function readEscape(cursor: Cursor, start: Mark): string {
  const c = String.fromCharCode(cursor.at(1));
  const length = escapeLengths[c];
  const plain = escapes[c];
  if (length === undefined && plain === undefined) throw cursor.fault(start, 'found unknown escape character');
  cursor.skip();
  cursor.skip();
  if (length === undefined) return plain!;
  cursor.need(length);
  let value = 0;
  for (let k = 0; k < length; k++) {
    const digit = Number.parseInt(String.fromCharCode(cursor.at(k)), 16);
    if (Number.isNaN(digit)) throw cursor.fault(start, 'did not find expected hexdecimal number');
    value = value * 16 + digit;
  }
  if ((value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff)
    throw cursor.fault(start, 'found invalid Unicode character escape code');
  for (let k = 0; k < length; k++) cursor.skip();
  return String.fromCodePoint(value);
}

/** A plain scalar; `multiline` tells that it ended behind a line break. */
export function scanPlainScalar(
  cursor: Cursor,
  flow: boolean,
  parentIndent: number,
): { token: Token; multiline: boolean } {
  const start = cursor.mark();
  let end = start;
  const indent = parentIndent + 1;
  // Most plain scalars are one word: what more words need is made when they come.
  let first = '';
  let parts: string[] | undefined;
  let gap: Gap | undefined;
  for (;;) {
    cursor.need(4);
    if (cursor.isDocumentIndicator() || cursor.at() === 35) break;
    const from = cursor.pos;
    while (!cursor.isBlankOrEnd()) {
      const c = cursor.at();
      if (c === 58 && cursor.isBlankOrEnd(1)) break;
      if (flow && isFlowEnd(cursor, c)) break;
      if (cursor.pos === from && gap !== undefined && (gap.leadingBlanks || gap.whitespace !== '')) {
        parts ??= [first];
        parts.push(foldGap(gap));
        gap.leadingBlanks = false;
      }
      cursor.skip();
      cursor.need(2);
    }
    if (cursor.pos > from) {
      const word = cursor.text.slice(from, cursor.pos);
      if (parts !== undefined) parts.push(word);
      else first += word;
      end = cursor.mark();
    }
    if (!(cursor.isBlank() || cursor.isBreak())) break;
    gap ??= { whitespace: '', leadingBreak: '', trailingBreaks: '', leadingBlanks: false };
    readGap(cursor, gap, indent, start);
    if (!flow && cursor.column < indent) break;
  }
  return {
    token: { type: 'scalar', start, end, value: parts === undefined ? first : parts.join(''), plain: true },
    multiline: gap?.leadingBlanks === true,
  };
}

function isFlowEnd(cursor: Cursor, c: number): boolean {
  return c === 44 || c === 91 || c === 93 || c === 123 || c === 125 || (c === 63 && cursor.isBlankOrEnd(1));
}
