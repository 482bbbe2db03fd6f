import { type Fields, joinPath, list, maybeText, type Path, text, type Value } from '@coppice/ignition';
import { reportFault } from './contents.ts';
import { makeDataSource } from './data-source.ts';
import { LocalFileFault, type TreeEntry } from './local-files.ts';
import { report } from './messages-table.ts';
import { NodeIndex, type NodeKind } from './node-index.ts';
import type { Draft, TranslationState } from './state.ts';

/** Local trees become files and links (and, with owner or mode given, directories) behind those of the config. */
export function addTrees(state: TranslationState): void {
  const trees = list(state.source['storage'] as Fields | undefined, 'trees');
  if (trees.length === 0) return;
  const nodes = new NodeIndex(state.config);
  for (const [i, tree] of trees.entries()) {
    const at: Path = ['storage', 'trees', i];
    const entries = state.files.listTree(text(tree, 'local'));
    if (entries instanceof LocalFileFault) {
      reportFault(entries, at, state);
      if (entries.code === 'files-dir-missing') return;
      continue;
    }
    const root = text(tree, 'path') === '' ? '/' : text(tree, 'path');
    for (const entry of entries) addEntry(tree, entry, joinPath(root, entry.path), at, nodes, state);
  }
}

const kinds = { file: 'files', link: 'links', directory: 'directories' } as const;

function addEntry(
  tree: Fields,
  entry: TreeEntry,
  path: string,
  at: Path,
  nodes: NodeIndex,
  state: TranslationState,
): void {
  if (entry.type === 'other') {
    if (entry.target !== undefined) reportFault(new LocalFileFault('file-error', entry.target), at, state);
    else report(state.report, 'error', at, 'tree-file-type');
    return;
  }
  const kind = kinds[entry.type];
  const found = kind === 'directories' ? undefined : nodes.find(kind, path);
  const taken = found === undefined ? nodes.has(path) : isFilled(found.node as Fields, kind);
  const owned = ['user', 'group'].some((who) => isGiven(tree[who]));
  if (kind === 'directories' && !owned && tree['dir_mode'] === undefined) return;
  if (taken) {
    report(state.report, 'error', at, 'node-exists');
    return;
  }
  const place = found ?? addNode(kind, path, tree, at, nodes, state);
  const to: Path = ['storage', kind, place.index];
  if (kind === 'files') fillFile(tree, entry, place.node, at, to, state);
  else if (kind === 'links') {
    place.node['target'] = entry.target ?? '';
    state.translations.add(at, [...to, 'target']);
  }
}

/** Whether an owner says anything; `{}` does not. */
function isGiven(owner: Value | undefined): boolean {
  return owner !== undefined && Object.keys(owner as Fields).length > 0;
}

function isFilled(node: Fields, kind: NodeKind): boolean {
  return kind === 'files' ? text(node['contents'] as Fields | undefined, 'source') !== '' : text(node, 'target') !== '';
}

function addNode(
  kind: NodeKind,
  path: string,
  tree: Fields,
  at: Path,
  nodes: NodeIndex,
  state: TranslationState,
): { index: number; node: Draft } {
  const node: Draft = { path };
  for (const who of ['user', 'group']) if (isGiven(tree[who])) node[who] = { ...(tree[who] as Fields) };
  if (kind === 'directories') node['mode'] = tree['dir_mode'] ?? 0o755;
  const added = nodes.add(kind, node);
  const type = state.schema.byName.get('storage')!.type!.byName.get(kind)!.type!;
  state.translations.addTree(at, ['storage', kind, added.index], node as Fields, type);
  if (added.index === 0) state.translations.add(at, ['storage', kind]);
  return added;
}

function fillFile(tree: Fields, entry: TreeEntry, node: Draft, at: Path, to: Path, state: TranslationState): void {
  const bytes = state.files.readTreeFile(text(tree, 'local'), entry);
  if (bytes instanceof LocalFileFault) {
    reportFault(bytes, at, state);
    return;
  }
  const contents = (node['contents'] ?? {}) as Fields;
  const made = makeDataSource(bytes, maybeText(contents, 'compression'), state.mayCompress);
  contents['source'] = made.url;
  state.translations.add(at, [...to, 'contents', 'source']);
  if (made.compression !== undefined) {
    contents['compression'] = made.compression;
    state.translations.add(at, [...to, 'contents', 'compression']);
  }
  node['contents'] = contents;
  state.translations.add(at, [...to, 'contents']);
  if (node['mode'] !== undefined) return;
  node['mode'] = tree['file_mode'] ?? ((entry.mode & 0o111) !== 0 ? 0o755 : 0o644);
  state.translations.add(at, [...to, 'mode']);
}
