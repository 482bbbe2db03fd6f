// Texts of headers as XML. All are texts of bytes (Latin-1): most are ASCII that stays as it is, so that nothing is decoded.
import { isUtf8 } from 'node:buffer';
import { xmlAttribute, xmlText } from './xml-text.ts';

// Several texts are looked at together, with a NUL between them.
const plainContents = /^[\0\t\n\x20-%'-;=?-~]*$/;
const plainAttributes = /^[\0 !#-%'-;=?-~]*$/;
const beyondAscii = /[\x80-\xff]/;

/** Of one header after the other. */
export class HeaderText {
  /** There was one that is not UTF-8; what was made of it is of no use. */
  odd = false;

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
    return plainAttributes.test(text) ? text : this.#made(text, xmlAttribute);
  }

  contents(texts: readonly string[]): readonly string[] {
    return plainContents.test(texts.join('\0')) ? texts : texts.map((text) => this.#made(text, xmlText));
  }

  attributes(texts: readonly string[]): readonly string[] {
    return plainAttributes.test(texts.join('\0')) ? texts : texts.map((text) => this.#made(text, xmlAttribute));
  }
}
