/** Line and column, both from 1 (0 when unknown, as the original prints it). */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where the nodes of a text are. A node with neither `map` nor `items` is a leaf. */
export interface PositionNode extends Position {
  readonly map?: ReadonlyMap<string, { readonly key: Position; readonly node: PositionNode }>;
  readonly items?: readonly PositionNode[];
}

/** The node at `path`, undefined when the text has none. */
export function nodeAt(root: PositionNode, path: readonly (string | number)[]): PositionNode | undefined {
  let node: PositionNode | undefined = root;
  for (const part of path) {
    node = typeof part === 'string' ? node.map?.get(part)?.node : node.items?.[part];
    if (node === undefined) return undefined;
  }
  return node;
}

/** Position of the deepest existing node on `path`; of the last part's key when `atKey`. */
export function deepest(root: PositionNode, path: readonly (string | number)[], atKey: boolean): Position {
  let node = root;
  for (let i = 0; i < path.length; i++) {
    const part = path[i]!;
    const entry = typeof part === 'string' ? node.map?.get(part) : undefined;
    if (atKey && i === path.length - 1) return entry?.key ?? node;
    const next = typeof part === 'string' ? entry?.node : node.items?.[part];
    if (next === undefined) return node;
    node = next;
  }
  return node;
}
