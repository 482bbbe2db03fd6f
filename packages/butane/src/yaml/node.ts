import type { Position, PositionNode } from '@coppice/ignition';

/** A node of a YAML document; it is its own place in the text. Lines and columns count from 1. */
export type YamlNode = ScalarNode | SequenceNode | MappingNode | AliasNode;

export class ScalarNode implements PositionNode {
  readonly kind = 'scalar';
  readonly line: number;
  readonly column: number;
  readonly value: string;
  /** Written without quotes or block indicator. */
  readonly plain: boolean;
  /** The written tag, '' when there is none. */
  readonly tag: string;
  constructor(at: Position, value: string, plain: boolean, tag: string) {
    this.line = at.line;
    this.column = at.column;
    this.value = value;
    this.plain = plain;
    this.tag = tag;
  }
}

export class SequenceNode implements PositionNode {
  readonly kind = 'sequence';
  readonly line: number;
  readonly column: number;
  readonly items: YamlNode[] = [];
  readonly tag: string;
  constructor(at: Position, tag: string) {
    this.line = at.line;
    this.column = at.column;
    this.tag = tag;
  }
}

export class MappingNode implements PositionNode {
  readonly kind = 'mapping';
  readonly line: number;
  readonly column: number;
  /** Keys and values in turn. */
  readonly content: YamlNode[] = [];
  readonly tag: string;
  #map: Map<string, { key: Position; node: PositionNode }> | undefined;
  constructor(at: Position, tag: string) {
    this.line = at.line;
    this.column = at.column;
    this.tag = tag;
  }
  /** By key text; the last of equal keys. */
  get map(): ReadonlyMap<string, { readonly key: Position; readonly node: PositionNode }> {
    if (this.#map === undefined) {
      this.#map = new Map();
      for (let i = 0; i + 1 < this.content.length; i += 2)
        this.#map.set(nodeText(this.content[i]!), { key: this.content[i]!, node: this.content[i + 1]! });
    }
    return this.#map;
  }
}

export class AliasNode implements PositionNode {
  readonly kind = 'alias';
  readonly line: number;
  readonly column: number;
  readonly value: string;
  readonly target: YamlNode;
  constructor(at: Position, value: string, target: YamlNode) {
    this.line = at.line;
    this.column = at.column;
    this.value = value;
    this.target = target;
  }
}

/** go-yaml's `Value` of a node: the text of scalars, the name of aliases, '' of collections. */
export function nodeText(node: YamlNode): string {
  return node.kind === 'scalar' || node.kind === 'alias' ? node.value : '';
}
