// Texts of headers as XML. All are texts of bytes (Latin-1): most are ASCII that stays as it is, so that nothing is decoded.
import { isUtf8 } from 'node:buffer';
import { xmlAttribute, xmlText } from './xml-text.ts';

// Several texts are looked at together, with a NUL between them.
const plainContents = /^[\0\t\n\x20-%'-;=?-~]*$/;
const plainAttributes = /^[\0 !#-%'-;=?-~]*$/;
const beyondAscii = /[\x80-\xff]/;

const knownLimit = 500;

/** Of one header after the other. */
export class HeaderText {
  /** There was one that is not UTF-8; what was made of it is of no use. */
  odd = false;

  /** Values of attributes that are written otherwise: authors, for one, come again and again. */
  readonly #known = new Map<string, string>();

  #attribute(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const made = this.#made(text, xmlAttribute);
    if (this.#known.size === knownLimit) this.#known.clear();
    if (!this.odd && text.length < 1000) this.#known.set(text, made);
    return made;
  }

  #made(text: string, toXml: (text: string) => string): string {
    if (!beyondAscii.test(text)) return toXml(text);
    const bytes = Buffer.from(text, 'latin1');
    if (!isUtf8(bytes)) this.odd = true;
    return Buffer.from(toXml(bytes.toString())).toString('latin1');
  }

  /** Element content. */
  content(text: string): string {
    return plainContents.test(text) ? text : this.#made(text, xmlText);
  }

  /** The value of an attribute. */
  attribute(text: string): string {
    return plainAttributes.test(text) ? text : this.#attribute(text);
  }

  /** `joined` has all the texts with NULs between them, and maybe more. */
  contents(texts: readonly string[], joined: string): readonly string[] {
    return plainContents.test(joined) ? texts : texts.map((text) => this.#made(text, xmlText));
  }

  attributes(texts: readonly string[], joined: string): readonly string[] {
    return plainAttributes.test(joined) ? texts : texts.map((text) => this.#attribute(text));
  }
}
