import { CoppiceError } from '@coppice/base';

/** Where something stands in the text, for messages. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** The error of a text at one or two places, as GLib words it: `START-END:message`. */
export function textError(message: string, place: Place, other?: Place): CoppiceError {
  const show = ({ start, end }: Place): string => (start === end ? `${start}` : `${start}-${end}`);
  const where = other === undefined ? show(place) : `${show(place)},${show(other)}`;
  return new CoppiceError('Invalid', `${where}:${message}`, { data: { start: place.start, end: place.end } });
}

const isSpace = (c: string | undefined): boolean => c !== undefined && ' \t\n\v\f\r'.includes(c);
const isAlnum = (c: string | undefined): boolean => c !== undefined && /[A-Za-z0-9]/.test(c);

/** The tokens of GVariant text (glib/gvariant-parser.c); positions are in UTF-16 units. */
export class Lexer {
  readonly text: string;
  #at = 0;
  #end = 0;

  constructor(text: string) {
    this.text = text;
  }

  #prepare(): void {
    if (this.#end > this.#at) return;
    const { text } = this;
    while (isSpace(text[this.#at])) this.#at++;
    let end = this.#at;
    const c = text[end];
    if (c === undefined) {
      this.#end = end;
      return;
    }
    if (/[-+.0-9]/.test(c)) while (isAlnum(text[end]) || (text[end] !== undefined && '-+.'.includes(text[end]!))) end++;
    else if (c === 'b' && (text[end + 1] === "'" || text[end + 1] === '"')) end = this.#quoted(end + 1);
    else if (c === "'" || c === '"') end = this.#quoted(end);
    else if (/[a-zA-Z]/.test(c)) while (isAlnum(text[end])) end++;
    else if (c === '@') end = this.#typeString(end + 1);
    else end++;
    this.#end = end;
  }

  /** End of a quoted string that starts at `at`; the end of the text when it is not closed. */
  #quoted(at: number): number {
    const quote = this.text[at]!;
    let end = at + 1;
    while (end < this.text.length && this.text[end] !== quote) end += this.text[end] === '\\' ? 2 : 1;
    return Math.min(end + 1, this.text.length);
  }

  #typeString(at: number): number {
    let depth = 0;
    let end = at;
    for (; end < this.text.length; end++) {
      const c = this.text[end]!;
      if (isSpace(c)) break;
      if ('({'.includes(c)) depth++;
      else if (')}'.includes(c)) {
        if (depth === 0) break;
        depth--;
      } else if (',:>]'.includes(c)) break;
    }
    return end;
  }

  /** The next token, empty at the end. */
  peek(): string {
    this.#prepare();
    return this.text.slice(this.#at, this.#end);
  }

  next(): void {
    this.#prepare();
    this.#at = this.#end;
  }

  /** Takes the token when it is this one. */
  accept(token: string): boolean {
    if (this.peek() !== token) return false;
    this.next();
    return true;
  }

  /** Takes this token or throws `expected 'TOKEN'PURPOSE`. */
  require(token: string, purpose: string): void {
    if (!this.accept(token)) throw textError(`expected '${token}'${purpose}`, this.here());
  }

  /** Place of the next token. */
  place(): Place {
    this.#prepare();
    return { start: this.#at, end: this.#end };
  }

  /** Start of the next token. */
  here(): Place {
    const { start } = this.place();
    return { start, end: start };
  }

  /** Where the last taken token ended. */
  get position(): number {
    return this.#at;
  }
}
