// Small XML documents (repomd, metalink, comps, updateinfo) as trees, through saxes.
import { CoppiceError, isCoppiceError, messageOf } from '@coppice/base';
import { SaxesParser } from 'saxes';

/** An element; names keep their prefix. `text` is all character data directly inside. */
export class XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[] = [];
  text = '';

  constructor(name: string, attributes: Readonly<Record<string, string>>) {
    this.name = name;
    this.attributes = attributes;
  }

  /** First child element of that name. */
  child(name: string): XmlElement | undefined {
    return this.children.find((c) => c.name === name);
  }

  all(name: string): XmlElement[] {
    return this.children.filter((c) => c.name === name);
  }
}

const depthLimit = 64;

/** Parses a whole document. Throws `Invalid` with line and column; entities cannot be declared. */
export function parseXml(bytes: Uint8Array, what: string): XmlElement {
  const parser = new SaxesParser();
  const stack: XmlElement[] = [];
  let root: XmlElement | undefined;
  parser.on('error', (error) => {
    throw new CoppiceError('Invalid', `${what}: ${messageOf(error)}`);
  });
  parser.on('doctype', (doctype) => {
    // Comps files name theirs; what declares something, such as entities, is refused.
    if (doctype.includes('['))
      throw new CoppiceError('Invalid', `${what}: document types with declarations are not accepted`);
  });
  parser.on('opentag', (tag) => {
    const element = new XmlElement(tag.name, { ...(tag.attributes as Record<string, string>) });
    if (stack.length >= depthLimit) throw new CoppiceError('Limit', `${what}: nested too deeply`);
    stack.at(-1)?.children.push(element);
    root ??= element;
    stack.push(element);
  });
  parser.on('text', (text) => {
    const top = stack.at(-1);
    if (top !== undefined) top.text += text;
  });
  parser.on('cdata', (text) => {
    const top = stack.at(-1);
    if (top !== undefined) top.text += text;
  });
  parser.on('closetag', () => {
    stack.pop();
  });
  try {
    parser.write(new TextDecoder().decode(bytes)).close();
  } catch (error) {
    if (isCoppiceError(error)) throw error;
    throw new CoppiceError('Invalid', `${what}: ${messageOf(error)}`);
  }
  if (root === undefined) throw new CoppiceError('Invalid', `${what}: empty document`);
  return root;
}
