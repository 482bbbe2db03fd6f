import {
  asInt,
  decodeBase64,
  type FieldDef,
  type Fields,
  goItemName,
  goQuote,
  goTypeName,
  type Int,
  type StructDef,
  type Value,
} from '@coppice/ignition';
import { YamlFault } from './fault.ts';
import { type MappingNode, nodeText, type ScalarNode, type YamlNode } from './node.ts';
import { type Resolved, resolveScalar, shortTag } from './resolve.ts';

// YAML nodes into the values of a type table, as go-yaml v3 decodes into the structs: nulls leave the zero value, null list
// items are dropped, type mismatches are collected while the rest is read, equal keys are errors.

/** Errors of one document; equal keys alone make one for each pair of them. */
const maxErrors = 10_000;

/** Values and bytes of text that a document may unfold to: aliases can multiply both. */
const maxValues = 1_000_000;
const maxText = 1 << 25;

/** What a node is read into. */
interface Target {
  readonly field: FieldDef;
  readonly owner: StructDef;
  /** The item of a list field rather than the list. */
  readonly item: boolean;
}

/** Not decoded: null, or a mismatch that has been noted. */
const nothing = Symbol('nothing');
type Decoded = Value | typeof nothing;

/** The fields that YAML documents of any version have. */
export function decodeYaml(
  root: YamlNode,
  schema: StructDef,
): { readonly value: Fields; readonly errors: readonly string[] } {
  const decoder = new YamlDecoder();
  const value: Fields = {};
  decoder.root(root, schema, value);
  return { value, errors: decoder.errors };
}

class YamlDecoder {
  readonly errors: string[] = [];
  readonly #open = new Set<YamlNode>();
  #decodeCount = 0;
  #aliasCount = 0;
  #aliasDepth = 0;
  #aliasText = 0;

  root(node: YamlNode, schema: StructDef, into: Fields): void {
    this.#struct(node, schema, `${schema.goPackage}.${schema.name}`, into, undefined);
  }

  #count(): void {
    this.#decodeCount++;
    if (this.#aliasDepth > 0) this.#aliasCount++;
    if (this.#decodeCount > maxValues) throw new YamlFault('document contains excessive aliasing');
    if (this.#aliasCount <= 100 || this.#decodeCount <= 1000) return;
    if (this.#aliasCount / this.#decodeCount > allowedAliasRatio(this.#decodeCount))
      throw new YamlFault('document contains excessive aliasing');
  }

  #note(error: string): void {
    if (this.errors.length < maxErrors) this.errors.push(error);
    else if (this.errors.length === maxErrors) this.errors.push('too many errors; the others are left out');
  }

  /** Follows aliases; a node that contains itself is a fault. */
  #through<T>(node: YamlNode, use: (node: Exclude<YamlNode, { kind: 'alias' }>) => T): T {
    this.#count();
    if (node.kind !== 'alias') return use(node);
    if (this.#open.has(node)) throw new YamlFault(`anchor '${node.value}' value contains itself`);
    this.#open.add(node);
    this.#aliasDepth++;
    if (node.target.kind === 'scalar') this.#aliasText += node.target.value.length;
    if (this.#aliasText > maxText) throw new YamlFault('document contains excessive aliasing');
    const result = this.#through(node.target, use);
    this.#aliasDepth--;
    this.#open.delete(node);
    return result;
  }

  #mismatch(node: YamlNode, tag: string, goType: string): typeof nothing {
    const shown = node.kind !== 'alias' && node.tag !== '' ? shortTag(node.tag) : tag;
    const text = nodeText(node);
    const value = shown === '!!seq' || shown === '!!map' ? '' : ` \`${clip(text)}\``;
    this.#note(`line ${node.line}: cannot unmarshal ${shown}${value} into ${goType}`);
    return nothing;
  }

  /** Reads `node` into the struct `into`; `taken` are the keys that a merge must leave alone. */
  #struct(node: YamlNode, def: StructDef, goType: string, into: Fields, taken: Set<string> | undefined): boolean {
    return this.#through(node, (found) => {
      if (found.kind === 'mapping') return this.#mappingInto(found, def, goType, into, taken);
      if (found.kind === 'sequence') {
        this.#mismatch(found, '!!seq', goType);
        return false;
      }
      const [tag, resolved] = resolveNode(found);
      if (resolved !== null) this.#mismatch(found, tag, goType);
      return false;
    });
  }

  #mappingInto(
    node: MappingNode,
    def: StructDef,
    goType: string,
    into: Fields,
    taken: Set<string> | undefined,
  ): boolean {
    if (this.#repeatedKeys(node)) return false;
    let merge: YamlNode | undefined;
    const done = new Set<string>();
    for (let i = 0; i < node.content.length; i += 2) {
      const keyNode = node.content[i]!;
      if (isMerge(keyNode)) {
        merge = node.content[i + 1]!;
        continue;
      }
      const key = this.#key(keyNode);
      if (key === undefined) continue;
      if (taken !== undefined) {
        if (taken.has(key)) continue;
        taken.add(key);
      }
      const field = def.byName.get(key);
      if (field === undefined) continue;
      if (done.has(key)) {
        this.#note(`line ${keyNode.line}: field ${key} already set in type ${goType}`);
        continue;
      }
      done.add(key);
      const value = this.#field(node.content[i + 1]!, { field, owner: def, item: false }, into[key]);
      if (value === nothing) continue;
      if (value === undefined) delete into[key];
      else into[key] = value;
    }
    if (merge !== undefined) this.#merge(node, merge, def, goType, into, taken);
    return true;
  }

  #merge(
    node: MappingNode,
    merge: YamlNode,
    def: StructDef,
    goType: string,
    into: Fields,
    outer: Set<string> | undefined,
  ): void {
    const taken = outer ?? new Set<string>();
    if (outer === undefined)
      for (let i = 0; i < node.content.length; i += 2) {
        const key = node.content[i]!;
        if (key.kind === 'scalar') taken.add(key.value);
      }
    const parts = merge.kind === 'sequence' ? merge.items : [merge];
    for (const part of parts) {
      const target = part.kind === 'alias' ? part.target : part;
      if (target.kind !== 'mapping') throw new YamlFault('map merge requires map or sequence of maps as the value');
      this.#struct(part, def, goType, into, taken);
    }
  }

  #repeatedKeys(node: MappingNode): boolean {
    const { content } = node;
    if (!hasRepeatedKeys(content)) return false;
    const seen = new Map<string, YamlNode[]>();
    for (let i = 0; i < content.length; i += 2) {
      const key = `${content[i]!.kind}\0${nodeText(content[i]!)}`;
      const before = seen.get(key);
      if (before === undefined) seen.set(key, [content[i]!]);
      else before.push(content[i]!);
    }
    for (const equal of seen.values()) {
      if (equal.length === 1) continue;
      const quoted = goQuote(nodeText(equal[0]!));
      for (const [n, first] of equal.entries())
        for (let k = n + 1; k < equal.length && this.errors.length <= maxErrors; k++)
          this.#note(`line ${equal[k]!.line}: mapping key ${quoted} already defined at line ${first.line}`);
    }
    return true;
  }

  #key(node: YamlNode): string | undefined {
    return this.#through(node, (found) => {
      if (found.kind !== 'scalar') {
        if (found.kind === 'mapping' && this.#repeatedKeys(found)) return undefined;
        this.#mismatch(found, found.kind === 'mapping' ? '!!map' : '!!seq', 'string');
        return undefined;
      }
      const [tag, resolved] = resolveNode(found);
      if (resolved === null) return undefined;
      return tag === '!!binary' ? String(resolved) : found.value;
    });
  }

  #field(node: YamlNode, target: Target, old: Value): Decoded {
    const { field, owner, item } = target;
    if (field.type !== undefined && (item || !field.list)) {
      const value: Fields = old === undefined ? {} : { ...(old as Fields) };
      const isNull = this.#isNull(node);
      if (isNull) {
        this.#count();
        return field.pointer && !item ? undefined : nothing;
      }
      const good = this.#struct(node, field.type, goItemName(field, owner), value, undefined);
      return good ? value : nothing;
    }
    return this.#through(node, (found) => {
      if (found.kind === 'scalar') return this.#scalar(found, target);
      if (field.list && !item && found.kind === 'sequence') {
        const items: Value[] = [];
        for (const child of found.items) {
          const value = this.#field(child, { field, owner, item: true }, undefined);
          if (value !== nothing) items.push(value);
        }
        return items;
      }
      if (found.kind === 'mapping' && this.#repeatedKeys(found)) return nothing;
      if (field.kind === 'map' && found.kind === 'mapping') return this.#map(found);
      return this.#mismatch(found, found.kind === 'mapping' ? '!!map' : '!!seq', this.#goType(target));
    });
  }

  #isNull(node: YamlNode): boolean {
    const target = node.kind === 'alias' ? node.target : node;
    return target.kind === 'scalar' && resolveNode(target)[1] === null;
  }

  #goType({ field, owner, item }: Target): string {
    return item ? goItemName(field, owner) : goTypeName(field, owner);
  }

  #scalar(node: ScalarNode, target: Target): Decoded {
    const { field, item } = target;
    const [tag, resolved] = resolveNode(node);
    if (resolved === null) return !item && (field.pointer || field.list || field.kind === 'map') ? undefined : nothing;
    if (!field.list || item) {
      if (field.kind === 'string') return tag === '!!binary' ? String(resolved) : node.value;
      if (field.kind === 'int') {
        const value = integerOf(resolved);
        if (value !== undefined) return value;
      }
      if (field.kind === 'bool') {
        if (typeof resolved === 'boolean') return resolved;
        if (typeof resolved === 'string' && tag !== '!!timestamp') {
          if (/^(y|Y|yes|Yes|YES|on|On|ON)$/.test(resolved)) return true;
          if (/^(n|N|no|No|NO|off|Off|OFF)$/.test(resolved)) return false;
        }
      }
    }
    return this.#mismatch(node, tag, this.#goType(target));
  }

  #map(node: MappingNode): Fields {
    const out: Fields = {};
    for (let i = 0; i < node.content.length; i += 2) {
      const key = this.#key(node.content[i]!);
      if (key === undefined) continue;
      const value = this.#through(node.content[i + 1]!, (found): Value | undefined => {
        if (found.kind !== 'scalar') {
          this.#mismatch(found, found.kind === 'mapping' ? '!!map' : '!!seq', 'string');
          return undefined;
        }
        const [tag, resolved] = resolveNode(found);
        return resolved === null ? '' : tag === '!!binary' ? String(resolved) : found.value;
      });
      if (value !== undefined)
        Object.defineProperty(out, key, { value, enumerable: true, configurable: true, writable: true });
    }
    return out;
  }
}

/** Whether two keys are of one kind and text; `content` holds keys and values in turn. */
function hasRepeatedKeys(content: readonly YamlNode[]): boolean {
  // Most mappings are small: comparing costs less than a set.
  if (content.length <= 32) {
    for (let i = 2; i < content.length; i += 2)
      for (let k = 0; k < i; k += 2)
        if (content[i]!.kind === content[k]!.kind && nodeText(content[i]!) === nodeText(content[k]!)) return true;
    return false;
  }
  const seen = new Set<string>();
  for (let i = 0; i < content.length; i += 2) {
    const { kind } = content[i]!;
    if (kind === 'scalar') seen.add(nodeText(content[i]!));
    else seen.add(`${kind}\0${nodeText(content[i]!)}`);
  }
  // A scalar that reads like the mark of another kind only costs the exact look.
  return seen.size < content.length >> 1;
}

/** Tag and value of a scalar node; quoted and block scalars are strings. */
function resolveNode(node: ScalarNode): [string, Resolved] {
  const tag = node.tag === '!' ? '' : node.tag;
  if (shortTag(tag) === '!!str' || (tag === '' && !node.plain)) return ['!!str', node.value];
  const [found, value] = resolveScalar(tag, node.value);
  if (found !== '!!binary') return [found, value];
  const bytes = decodeBase64(String(value));
  if (typeof bytes === 'number') throw new YamlFault('!!binary value contains invalid base64 data');
  return [found, new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)];
}

function isMerge(node: YamlNode): boolean {
  return (
    node.kind === 'scalar' &&
    node.value === '<<' &&
    (node.tag === '' || node.tag === '!' ? node.plain : shortTag(node.tag) === '!!merge')
  );
}

/** Go's conversion of a number into int64; undefined when it does not fit. */
function integerOf(value: Resolved): Int | undefined {
  const max = 1n << 63n;
  if (typeof value === 'bigint') return value < max ? asInt(value) : undefined;
  if (typeof value !== 'number' || !(value <= Number(max))) return undefined;
  if (value >= Number(max) || value < -Number(max)) return asInt(-max);
  return asInt(BigInt(Math.trunc(value)));
}

const encoder = new TextEncoder();

/** At most 10 bytes of a value as error messages show it. */
function clip(text: string): string {
  const bytes = encoder.encode(text);
  if (bytes.length <= 10) return text;
  let out = '';
  // A character cut in two is kept as its single bytes (see `rawBytes`).
  for (let i = 0; i < 7; ) {
    const width = bytes[i]! < 0x80 ? 1 : bytes[i]! < 0xe0 ? 2 : bytes[i]! < 0xf0 ? 3 : 4;
    if (i + width <= 7) {
      out += new TextDecoder().decode(bytes.subarray(i, i + width));
      i += width;
    } else out += String.fromCharCode(0xdc00 + bytes[i++]!);
  }
  return `${out}...`;
}

function allowedAliasRatio(decodeCount: number): number {
  const low = 400000;
  const high = 4000000;
  if (decodeCount <= low) return 0.99;
  if (decodeCount >= high) return 0.1;
  return 0.99 - 0.89 * ((decodeCount - low) / (high - low));
}
