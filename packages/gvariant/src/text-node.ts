import type { CoppiceError } from '@coppice/base';
import { type Place, textError } from './lexer.ts';
import { isFloat, numberValue } from './parse-number.ts';
import { parseBytestringToken, parseStringToken } from './parse-string.ts';
import { coalesce, defaultType } from './pattern.ts';
import { type GType, isObjectPath, isSignature, parseType } from './type.ts';
import { type Value, Variant } from './variant.ts';

/** A piece of GVariant text whose type may still be open. */
export type Node = { readonly place: Place } & (
  | { readonly kind: 'number' | 'string' | 'bytestring'; readonly token: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'maybe'; readonly child: Node | undefined }
  | { readonly kind: 'array' | 'tuple'; readonly children: readonly Node[] }
  | { readonly kind: 'dictionary'; readonly entries: readonly (readonly [Node, Node])[] }
  | { readonly kind: 'entry'; readonly key: Node; readonly value: Node }
  | { readonly kind: 'variant'; readonly child: Node }
  | { readonly kind: 'typed'; readonly type: string; readonly child: Node }
);

/** The set of types that the node's text can have. */
export function patternOf(node: Node): string {
  switch (node.kind) {
    case 'number':
      return isFloat(node.token) ? 'Md' : 'MN';
    case 'string':
      return 'MS';
    case 'bytestring':
      return 'May';
    case 'boolean':
      return 'Mb';
    case 'maybe':
      return `m${node.child === undefined ? '*' : patternOf(node.child)}`;
    case 'array':
      return `Ma${common(node.children)}`;
    case 'tuple':
      return `M(${node.children.map(patternOf).join('')})`;
    case 'dictionary':
      return `Ma{${dictionaryPattern(node.entries)}}`;
    case 'entry':
      return `M{${keyPattern(node.key)}${patternOf(node.value)}}`;
    case 'variant':
      return 'Mv';
    case 'typed':
      return node.type;
  }
}

function keyPattern(key: Node): string {
  const pattern = patternOf(key);
  const last = pattern.at(-1)!;
  if (!'bynqiuxthdsogNS'.includes(last) || pattern.length > 2 || (pattern.length === 2 && pattern[0] !== 'M')) {
    throw textError('dictionary keys must have basic types', key.place);
  }
  return last;
}

function dictionaryPattern(entries: readonly (readonly [Node, Node])[]): string {
  if (entries.length === 0) return '**';
  const keys = entries.map(([key]) => key);
  let key = keyPattern(keys[0]!);
  for (const other of keys.slice(1)) {
    const both = coalesce(key, keyPattern(other));
    if (both === undefined) throw textError('unable to find a common type', keys[0]!.place, other.place);
    key = both;
  }
  return key + common(entries.map(([, value]) => value));
}

/** The types that all of the nodes can have. */
function common(nodes: readonly Node[]): string {
  if (nodes.length === 0) return '*';
  let pattern = patternOf(nodes[0]!);
  for (let i = 1; i < nodes.length; i++) {
    const both = coalesce(pattern, patternOf(nodes[i]!));
    if (both === undefined) {
      // The pair to blame is the first that has nothing in common.
      for (let j = 0; j < i; j++) {
        if (coalesce(patternOf(nodes[j]!), patternOf(nodes[i]!)) === undefined) {
          throw textError('unable to find a common type', nodes[j]!.place, nodes[i]!.place);
        }
      }
      throw textError('unable to find a common type', nodes[i]!.place);
    }
    pattern = both;
  }
  return pattern;
}

/** Fixes the node's type by what its text alone says. */
export function resolveNode(node: Node): Variant {
  const type = defaultType(patternOf(node));
  if (type === undefined) throw textError('unable to infer type', node.place);
  return new Variant(type, nodeValue(node, parseType(type)));
}

/** The node's value as `type`; throws where it cannot have that type. */
export function nodeValue(node: Node, type: GType): Value {
  const wrong = (): CoppiceError => textError(`can not parse as value of type '${type.string}'`, node.place);
  // A type that is stated inside another is not looked at any more.
  if (node.kind === 'typed') return nodeValue(node.child, type);
  if (type.kind === 'maybe') {
    const inner = type.children[0]!;
    if (node.kind === 'maybe' && node.child === undefined) return null;
    const value = nodeValue(node.kind === 'maybe' ? node.child! : node, inner);
    return inner.kind === 'maybe' ? [value] : value;
  }
  switch (node.kind) {
    case 'number':
      return numberValue(node.token, node.place, type.string, wrong);
    case 'boolean':
      if (type.string !== 'b') throw wrong();
      return node.value;
    case 'string':
      return stringValue(parseStringToken(node.token, node.place), type.string, node.place, wrong);
    case 'bytestring':
      if (type.string !== 'ay') throw wrong();
      return parseBytestringToken(node.token, node.place);
    case 'maybe':
      throw wrong();
    case 'array': {
      if (type.kind !== 'array') throw wrong();
      const items = node.children.map((child) => nodeValue(child, type.children[0]!));
      return type.string === 'ay' ? Uint8Array.from(items as number[]) : items;
    }
    case 'tuple':
      if (type.kind !== 'tuple' || type.children.length !== node.children.length) throw wrong();
      return node.children.map((child, i) => nodeValue(child, type.children[i]!));
    case 'dictionary': {
      const entry = type.children[0];
      if (type.kind !== 'array' || entry?.kind !== 'entry') throw wrong();
      return node.entries.map(([key, value]) => [
        nodeValue(key, entry.children[0]!),
        nodeValue(value, entry.children[1]!),
      ]);
    }
    case 'entry':
      if (type.kind !== 'entry') throw wrong();
      return [nodeValue(node.key, type.children[0]!), nodeValue(node.value, type.children[1]!)];
    case 'variant':
      if (type.kind !== 'variant') throw wrong();
      return resolveNode(node.child);
  }
}

function stringValue(text: string, type: string, place: Place, wrong: () => CoppiceError): string {
  if (type === 's') return text;
  if (type === 'o') {
    if (!isObjectPath(text)) throw textError('not a valid object path', place);
    return text;
  }
  if (type !== 'g') throw wrong();
  if (!isSignature(text)) throw textError('not a valid signature', place);
  return text;
}
