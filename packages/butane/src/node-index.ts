import { type Fields, list, text } from '@coppice/ignition';
import type { Draft } from './state.ts';
import { draftList } from './state.ts';

export type NodeKind = 'directories' | 'files' | 'links';

/** The file-system nodes of an output config by path, to which steps add. */
export class NodeIndex {
  readonly #config: Fields;
  readonly #nodes: Record<NodeKind, Map<string, number>> = {
    directories: new Map(),
    files: new Map(),
    links: new Map(),
  };

  constructor(config: Fields) {
    this.#config = config;
    for (const kind of ['directories', 'files', 'links'] as const)
      list(config['storage'] as Fields | undefined, kind).forEach((node, i) => {
        this.#nodes[kind].set(text(node, 'path'), i);
      });
  }

  has(path: string): boolean {
    return this.#nodes.directories.has(path) || this.#nodes.files.has(path) || this.#nodes.links.has(path);
  }

  find(kind: NodeKind, path: string): { readonly index: number; readonly node: Draft } | undefined {
    const index = this.#nodes[kind].get(path);
    return index === undefined ? undefined : { index, node: draftList(this.#config, 'storage', kind)[index]! };
  }

  add(kind: NodeKind, node: Draft): { readonly index: number; readonly node: Draft } {
    const items = draftList(this.#config, 'storage', kind);
    items.push(node);
    this.#nodes[kind].set(text(node as Fields, 'path'), items.length - 1);
    return { index: items.length - 1, node };
  }
}
