import { Cursor, NUL } from './cursor.ts';
import type { Mark } from './fault.ts';
import { scanAnchor, scanDirective, scanTag } from './scan-property.ts';
import { scanBlockScalar, scanPlainScalar, scanQuotedScalar } from './scan-scalar.ts';
import type { YamlText } from './text.ts';
import type { Token, TokenType } from './token.ts';

// libyaml's scanner: characters to tokens, with indentation turned into block tokens and simple keys found by looking ahead.
// It stays two tokens ahead of the parser, as go-yaml's does, so that the same fault is met first.

const maxDepth = 10000;
const lookahead = 2;

interface SimpleKey {
  possible: boolean;
  required: boolean;
  tokenNumber: number;
  mark: Mark;
}

const noKey = (mark: Mark): SimpleKey => ({ possible: false, required: false, tokenNumber: 0, mark });

export class Scanner {
  readonly #cursor: Cursor;
  #tokens: Token[] = [];
  #head = 0;
  #parsed = 0;
  #started = false;
  #indent = -1;
  readonly #indents: number[] = [];
  #flowLevel = 0;
  #keyAllowed = true;
  readonly #keys: SimpleKey[];
  readonly #keyByToken = new Map<number, SimpleKey>();

  constructor(source: YamlText) {
    this.#cursor = new Cursor(source);
    this.#keys = [noKey(this.#cursor.mark())];
  }

  /** The next token. Throws `YamlFault`. */
  peek(): Token {
    while (this.#needsMore()) this.#fetch();
    return this.#tokens[this.#head]!;
  }

  /** Takes the token that `peek` showed. */
  skip(): void {
    this.#head++;
    this.#parsed++;
    if (this.#head > 4096) {
      this.#tokens = this.#tokens.slice(this.#head);
      this.#head = 0;
    }
  }

  #needsMore(): boolean {
    if (this.#head >= this.#tokens.length - lookahead) return true;
    const key = this.#keyByToken.get(this.#parsed);
    return key !== undefined && this.#isValid(key);
  }

  #push(type: TokenType, start: Mark, end: Mark): void {
    this.#tokens.push({ type, start, end });
  }

  /** Puts a token in at `number` of all tokens so far. */
  #insert(number: number, token: Token): void {
    this.#tokens.splice(this.#head + (number - this.#parsed), 0, token);
  }

  #isValid(key: SimpleKey): boolean {
    if (!key.possible) return false;
    const c = this.#cursor;
    if (key.mark.line < c.line || key.mark.index + 1024 < c.index) {
      if (key.required) throw c.fault(key.mark, "could not find expected ':'");
      key.possible = false;
      return false;
    }
    return true;
  }

  #saveKey(): void {
    const required = this.#flowLevel === 0 && this.#indent === this.#cursor.column;
    if (!this.#keyAllowed) return;
    const tokenNumber = this.#parsed + (this.#tokens.length - this.#head);
    const key: SimpleKey = { possible: true, required, tokenNumber, mark: this.#cursor.mark() };
    this.#removeKey();
    this.#keys[this.#keys.length - 1] = key;
    this.#keyByToken.set(tokenNumber, key);
  }

  #removeKey(): void {
    const key = this.#keys.at(-1)!;
    if (!key.possible) return;
    if (key.required) throw this.#cursor.fault(key.mark, "could not find expected ':'");
    key.possible = false;
    this.#keyByToken.delete(key.tokenNumber);
  }

  #rollIndent(column: number, number: number | undefined, type: TokenType, mark: Mark): void {
    if (this.#flowLevel > 0 || this.#indent >= column) return;
    this.#indents.push(this.#indent);
    this.#indent = column;
    if (this.#indents.length > maxDepth)
      throw this.#cursor.fault(this.#keys.at(-1)!.mark, `exceeded max depth of ${maxDepth}`);
    const token: Token = { type, start: mark, end: mark };
    if (number === undefined) this.#tokens.push(token);
    else this.#insert(number, token);
  }

  #unrollIndent(column: number): void {
    if (this.#flowLevel > 0) return;
    while (this.#indent > column) {
      const mark = this.#cursor.mark();
      this.#push('block-end', mark, mark);
      this.#indent = this.#indents.pop()!;
    }
  }

  #fetch(): void {
    const c = this.#cursor;
    if (!this.#started) {
      this.#started = true;
      const mark = c.mark();
      this.#push('stream-start', mark, mark);
      return;
    }
    this.#skipToToken();
    this.#unrollIndent(c.column);
    c.need(4);
    const code = c.at();
    if (code === NUL) {
      this.#fetchStreamEnd();
      return;
    }
    if (c.column === 0 && code === 37) {
      this.#fetchDirective();
      return;
    }
    if (c.isDocumentIndicator()) {
      this.#fetchDocumentIndicator(code === 45 ? 'document-start' : 'document-end');
      return;
    }
    switch (code) {
      case 91:
        this.#fetchFlowStart('flow-sequence-start');
        return;
      case 123:
        this.#fetchFlowStart('flow-mapping-start');
        return;
      case 93:
        this.#fetchFlowEnd('flow-sequence-end');
        return;
      case 125:
        this.#fetchFlowEnd('flow-mapping-end');
        return;
      case 44:
        this.#removeKey();
        this.#keyAllowed = true;
        this.#fetchIndicator('flow-entry');
        return;
      case 42:
      case 38:
        this.#saveKey();
        this.#keyAllowed = false;
        this.#tokens.push(scanAnchor(c, code === 42 ? 'alias' : 'anchor'));
        return;
      case 33:
        this.#saveKey();
        this.#keyAllowed = false;
        this.#tokens.push(scanTag(c));
        return;
      case 39:
      case 34:
        this.#saveKey();
        this.#keyAllowed = false;
        this.#tokens.push(scanQuotedScalar(c, code === 39));
        return;
    }
    if (code === 45 && c.isBlankOrEnd(1)) {
      this.#fetchBlockEntry();
      return;
    }
    if (code === 63 && (this.#flowLevel > 0 || c.isBlankOrEnd(1))) {
      this.#fetchKey();
      return;
    }
    if (code === 58 && (this.#flowLevel > 0 || c.isBlankOrEnd(1))) {
      this.#fetchValue();
      return;
    }
    if ((code === 124 || code === 62) && this.#flowLevel === 0) {
      this.#removeKey();
      this.#keyAllowed = true;
      this.#tokens.push(scanBlockScalar(c, code === 124, this.#indent));
      return;
    }
    if (!this.#startsPlain(code)) throw c.fault(c.mark(), 'found character that cannot start any token');
    this.#saveKey();
    this.#keyAllowed = false;
    const { token, multiline } = scanPlainScalar(c, this.#flowLevel > 0, this.#indent);
    if (multiline) this.#keyAllowed = true;
    this.#tokens.push(token);
  }

  #startsPlain(code: number): boolean {
    const c = this.#cursor;
    if (!c.isBlankOrEnd() && !'-?:,[]{}#&*!|>\'"%@`'.includes(String.fromCharCode(code))) return true;
    if (code === 45 && !c.isBlank(1)) return true;
    return this.#flowLevel === 0 && (code === 63 || code === 58) && !c.isBlankOrEnd(1);
  }

  #skipToToken(): void {
    const c = this.#cursor;
    for (;;) {
      c.need(1);
      if (c.column === 0 && c.at() === 0xfeff) c.skip();
      while (c.at() === 32 || ((this.#flowLevel > 0 || !this.#keyAllowed) && c.at() === 9)) {
        c.skip();
        c.need(1);
      }
      if (c.at() === 35)
        while (!c.isBreakOrEnd()) {
          c.skip();
          c.need(1);
        }
      if (!c.isBreak()) return;
      c.need(2);
      c.skipLine();
      if (this.#flowLevel === 0) this.#keyAllowed = true;
    }
  }

  #fetchStreamEnd(): void {
    const c = this.#cursor;
    if (c.column !== 0) {
      c.column = 0;
      c.line++;
    }
    this.#unrollIndent(-1);
    this.#removeKey();
    this.#keyAllowed = false;
    const mark = c.mark();
    this.#push('stream-end', mark, mark);
  }

  #fetchDirective(): void {
    this.#unrollIndent(-1);
    this.#removeKey();
    this.#keyAllowed = false;
    this.#tokens.push(scanDirective(this.#cursor));
  }

  #fetchDocumentIndicator(type: TokenType): void {
    this.#unrollIndent(-1);
    this.#removeKey();
    this.#keyAllowed = false;
    const start = this.#cursor.mark();
    for (let k = 0; k < 3; k++) this.#cursor.skip();
    this.#push(type, start, this.#cursor.mark());
  }

  #fetchIndicator(type: TokenType): void {
    const start = this.#cursor.mark();
    this.#cursor.skip();
    this.#push(type, start, this.#cursor.mark());
  }

  #fetchFlowStart(type: TokenType): void {
    this.#saveKey();
    this.#keys.push(noKey(this.#cursor.mark()));
    this.#flowLevel++;
    if (this.#flowLevel > maxDepth)
      throw this.#cursor.fault(this.#keys.at(-1)!.mark, `exceeded max depth of ${maxDepth}`);
    this.#keyAllowed = true;
    this.#fetchIndicator(type);
  }

  #fetchFlowEnd(type: TokenType): void {
    this.#removeKey();
    if (this.#flowLevel > 0) {
      this.#flowLevel--;
      const key = this.#keys.pop()!;
      this.#keyByToken.delete(key.tokenNumber);
    }
    this.#keyAllowed = false;
    this.#fetchIndicator(type);
  }

  #fetchBlockEntry(): void {
    const c = this.#cursor;
    if (this.#flowLevel === 0) {
      if (!this.#keyAllowed) throw c.fault(c.mark(), 'block sequence entries are not allowed in this context');
      this.#rollIndent(c.column, undefined, 'block-sequence-start', c.mark());
    }
    this.#removeKey();
    this.#keyAllowed = true;
    this.#fetchIndicator('block-entry');
  }

  #fetchKey(): void {
    const c = this.#cursor;
    if (this.#flowLevel === 0) {
      if (!this.#keyAllowed) throw c.fault(c.mark(), 'mapping keys are not allowed in this context');
      this.#rollIndent(c.column, undefined, 'block-mapping-start', c.mark());
    }
    this.#removeKey();
    this.#keyAllowed = this.#flowLevel === 0;
    this.#fetchIndicator('key');
  }

  #fetchValue(): void {
    const c = this.#cursor;
    const key = this.#keys.at(-1)!;
    if (this.#isValid(key)) {
      this.#insert(key.tokenNumber, { type: 'key', start: key.mark, end: key.mark });
      this.#rollIndent(key.mark.column, key.tokenNumber, 'block-mapping-start', key.mark);
      key.possible = false;
      this.#keyByToken.delete(key.tokenNumber);
      this.#keyAllowed = false;
    } else {
      if (this.#flowLevel === 0) {
        if (!this.#keyAllowed) throw c.fault(c.mark(), 'mapping values are not allowed in this context');
        this.#rollIndent(c.column, undefined, 'block-mapping-start', c.mark());
      }
      this.#keyAllowed = this.#flowLevel === 0;
    }
    this.#fetchIndicator('value');
  }
}
