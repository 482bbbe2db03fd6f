import { type Mark, scannerFault, type YamlFault } from './fault.ts';
import type { YamlText } from './text.ts';

export const NUL = 0;
const tab = 9;
const lf = 10;
const cr = 13;
const space = 32;

/** A moving place in a text, with the character classes of libyaml. */
export class Cursor {
  readonly text: string;
  readonly #limit: number;
  readonly #fault: YamlFault | undefined;
  pos = 0;
  line = 0;
  column = 0;
  index = 0;

  constructor(source: YamlText) {
    this.text = source.text;
    this.#limit = source.limit;
    this.#fault = source.fault;
  }

  mark(): Mark {
    return { line: this.line, column: this.column, index: this.index };
  }

  /** Makes sure that `count` characters can be looked at; throws the reader's fault. */
  need(count: number): void {
    if (this.#fault !== undefined && this.pos + count > this.#limit) throw this.#fault;
  }

  /** The UTF-16 unit `ahead` of the place; NUL behind the end. */
  at(ahead = 0): number {
    const code = this.text.charCodeAt(this.pos + ahead);
    return Number.isNaN(code) ? NUL : code;
  }

  isBlank(ahead = 0): boolean {
    const c = this.at(ahead);
    return c === space || c === tab;
  }
  isBreak(ahead = 0): boolean {
    return isBreakCode(this.at(ahead));
  }
  isBreakOrEnd(ahead = 0): boolean {
    const c = this.at(ahead);
    return c === NUL || isBreakCode(c);
  }
  isBlankOrEnd(ahead = 0): boolean {
    const c = this.at(ahead);
    return c === space || c === tab || c === NUL || isBreakCode(c);
  }
  isWordCharacter(ahead = 0): boolean {
    const c = this.at(ahead);
    return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95 || c === 45;
  }
  /** `---` or `...` at the start of a line, with nothing glued to it. */
  isDocumentIndicator(): boolean {
    if (this.column !== 0) return false;
    const c = this.at();
    return (c === 45 || c === 46) && this.at(1) === c && this.at(2) === c && this.isBlankOrEnd(3);
  }

  /** Moves over one character that is no line break. */
  skip(): void {
    const c = this.text.charCodeAt(this.pos);
    this.pos += c >= 0xd800 && c <= 0xdbff ? 2 : 1;
    this.index++;
    this.column++;
  }

  /** Moves over a line break. */
  skipLine(): void {
    const c = this.at();
    const width = c === cr && this.at(1) === lf ? 2 : 1;
    this.pos += width;
    this.index += width;
    this.column = 0;
    this.line++;
  }

  /** Moves over one character and returns it. */
  read(): string {
    const from = this.pos;
    this.skip();
    return this.text.slice(from, this.pos);
  }

  /** Moves over a line break and returns it, normalised. */
  readLine(): string {
    if (!this.isBreak()) return '';
    const c = this.at();
    this.skipLine();
    return c === 0x2028 ? '\u2028' : c === 0x2029 ? '\u2029' : '\n';
  }

  /** Moves over everything up to the next blank, break or end of text; stops are checked by the caller. */
  fault(context: Mark, problem: string): YamlFault {
    return scannerFault(context, this.mark(), problem);
  }
}

function isBreakCode(c: number): boolean {
  return c === lf || c === cr || c === 0x85 || c === 0x2028 || c === 0x2029;
}
