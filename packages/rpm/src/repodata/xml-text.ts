// XML output as createrepo_c's libxml2 writes it.

/** Characters XML 1.0 cannot carry. */
const forbidden =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const textNeeds = /[&<>\r]/;
/** All that is written as it is, without a closer look. */
const plainText = /^[\t\n\x20-%'-;=?-~]*$/;
const plainAttribute = /^[ !#-%'-;=?-~]*$/;

/** Whether `xmlText` and `xmlAttribute` leave a text alone. */
export function isPlainXml(text: string): boolean {
  return plainAttribute.test(text);
}
const textEscapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };

/** Element content. */
export function xmlText(text: string): string {
  if (plainText.test(text)) return text;
  const clean = forbidden.test(text) ? text.replace(forbidden, '') : text;
  return textNeeds.test(clean) ? clean.replace(/[&<>\r]/g, (c) => textEscapes[c]!) : clean;
}

const attributeNeeds = /[&<>"\t\r\n\u0080-\uffff]/;

const attributeSpecial = /[&<>"\t\r\n]|[\u{80}-\u{10ffff}]/gu;

/** Attribute value: what is not ASCII becomes a character reference. */
export function xmlAttribute(text: string): string {
  if (plainAttribute.test(text)) return text;
  const clean = forbidden.test(text) ? text.replace(forbidden, '') : text;
  if (!attributeNeeds.test(clean)) return clean;
  return clean.replace(attributeSpecial, (char) => {
    const code = char.codePointAt(0)!;
    if (char === '"') return '&quot;';
    if (code >= 0x80) return `&#x${code.toString(16).toUpperCase()};`;
    return char === '\t' || char === '\n' ? `&#${code};` : textEscapes[char]!;
  });
}

/** `<name>text</name>` with the empty form libxml2 leaves for text nodes that are there but empty. */
export function xmlElement(name: string, text: string): string {
  return `<${name}>${xmlText(text)}</${name}>`;
}
