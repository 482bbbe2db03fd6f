import { CoppiceError } from '@coppice/base';
import { Lexer, type Place, textError } from './lexer.ts';
import { type Node, nodeValue, resolveNode } from './text-node.ts';
import { maxDepth, parseType, tryParseType } from './type.ts';
import { Variant } from './variant.ts';

/**
 * Reads GVariant text (`g_variant_parse`). Without `type` the text decides, numbers being int32 unless annotated. Throws
 * `Invalid` with GLib's words, led by the place: `0-2:unknown keyword`.
 */
export function parseVariant(text: string, type?: string): Variant {
  const lexer = new Lexer(text);
  const node = parseNode(lexer, 0);
  const variant = type === undefined ? resolveNode(node) : new Variant(type, nodeValue(node, parseType(type)));
  if (lexer.peek() !== '') throw textError('expected end of input', lexer.here());
  return variant;
}

const keywords: Readonly<Record<string, string>> = {
  boolean: 'b',
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  handle: 'h',
  uint32: 'u',
  int64: 'x',
  uint64: 't',
  double: 'd',
  string: 's',
  objectpath: 'o',
  signature: 'g',
};

function parseNode(lexer: Lexer, depth: number): Node {
  if (depth > maxDepth) throw new CoppiceError('Limit', 'variant nested too deeply');
  const token = lexer.peek();
  const { start } = lexer.place();
  const place = (): Place => ({ start, end: lexer.position });
  switch (token[0]) {
    case undefined:
      throw textError('expected value', lexer.here());
    case '[':
      return { kind: 'array', children: list(lexer, '[', ']', depth), place: place() };
    case '(':
      return { kind: 'tuple', children: tuple(lexer, depth), place: place() };
    case '<': {
      lexer.next();
      const child = parseNode(lexer, depth + 1);
      lexer.require('>', ' to follow variant value');
      return { kind: 'variant', child, place: place() };
    }
    case '{':
      return dictionary(lexer, depth, start);
    case '@': {
      const whole = lexer.place();
      lexer.next();
      const type = token.slice(1);
      if (tryParseType(type) === undefined) {
        const valid = /^[bynqiuhxtdsogvam(){}r*?]+$/.test(type);
        throw textError(valid ? 'type declarations must be definite' : 'invalid type declaration', whole);
      }
      const child = parseNode(lexer, depth + 1);
      return { kind: 'typed', type, child, place: place() };
    }
    case "'":
    case '"': {
      const here = lexer.place();
      lexer.next();
      return { kind: 'string', token, place: here };
    }
  }
  if (/^b['"]/.test(token)) {
    const here = lexer.place();
    lexer.next();
    return { kind: 'bytestring', token, place: here };
  }
  if (/^[-+.0-9]/.test(token) || token === 'inf' || token === 'nan') {
    const here = lexer.place();
    lexer.next();
    return { kind: 'number', token, place: here };
  }
  if (!/^[a-z]{2}/.test(token)) throw textError('expected value', lexer.here());
  return keyword(lexer, token, depth, start);
}

function keyword(lexer: Lexer, token: string, depth: number, start: number): Node {
  const here = lexer.place();
  lexer.next();
  const place = (): Place => ({ start, end: lexer.position });
  if (token === 'true' || token === 'false') return { kind: 'boolean', value: token === 'true', place: here };
  if (token === 'nothing') return { kind: 'maybe', child: undefined, place: here };
  if (token === 'just') return { kind: 'maybe', child: parseNode(lexer, depth + 1), place: place() };
  const type = Object.hasOwn(keywords, token) ? keywords[token] : undefined;
  if (type === undefined) throw textError('unknown keyword', here);
  return { kind: 'typed', type, child: parseNode(lexer, depth + 1), place: place() };
}

function list(lexer: Lexer, open: string, close: string, depth: number): Node[] {
  lexer.require(open, '');
  const out: Node[] = [];
  while (!lexer.accept(close)) {
    if (out.length > 0) lexer.require(',', ` or '${close}' to follow array element`);
    out.push(parseNode(lexer, depth + 1));
  }
  return out;
}

function tuple(lexer: Lexer, depth: number): Node[] {
  lexer.require('(', '');
  const out: Node[] = [];
  while (!lexer.accept(')')) {
    if (out.length > 1) lexer.require(',', " or ')' to follow tuple element");
    out.push(parseNode(lexer, depth + 1));
    // One element needs its comma, so that it is not taken for parentheses.
    if (out.length === 1) lexer.require(',', ' after first tuple element');
  }
  return out;
}

function dictionary(lexer: Lexer, depth: number, start: number): Node {
  const place = (): Place => ({ start, end: lexer.position });
  lexer.require('{', '');
  if (lexer.accept('}')) return { kind: 'dictionary', entries: [], place: place() };
  const key = parseNode(lexer, depth + 1);
  if (lexer.accept(',')) {
    const value = parseNode(lexer, depth + 1);
    lexer.require('}', ' at end of dictionary entry');
    return { kind: 'entry', key, value, place: place() };
  }
  lexer.require(':', " or ',' to follow dictionary entry key");
  const entries: [Node, Node][] = [[key, parseNode(lexer, depth + 1)]];
  while (!lexer.accept('}')) {
    lexer.require(',', " or '}' to follow dictionary entry");
    const another = parseNode(lexer, depth + 1);
    lexer.require(':', ' after dictionary entry key');
    entries.push([another, parseNode(lexer, depth + 1)]);
  }
  return { kind: 'dictionary', entries, place: place() };
}
