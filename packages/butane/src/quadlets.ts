import { type Fields, isTrue, joinPath, list, maybeText, type Path, text } from '@coppice/ignition';
import { readLocal } from './contents.ts';
import { makeDataSource } from './data-source.ts';
import { report } from './messages-table.ts';
import { NodeIndex } from './node-index.ts';
import type { Draft, TranslationState } from './state.ts';
import { rawBytes } from './text-bytes.ts';

const extensions = ['.container', '.volume', '.network', '.kube', '.image', '.build', '.pod', '.artifact'];

export function isQuadletName(name: string): boolean {
  return extensions.some((extension) => name.endsWith(extension));
}

/** The template that an instance such as `a@1.container` is a link to; undefined for other names. */
export function quadletTemplate(name: string): string | undefined {
  const at = name.indexOf('@');
  const dot = name.lastIndexOf('.');
  if (at < 0 || dot < 0 || at + 1 === dot) return undefined;
  return `${name.slice(0, at)}@.${name.slice(dot + 1)}`;
}

function quadletPath(quadlet: Fields): string {
  const folder = isTrue(quadlet, 'rootful') ? '/etc/containers/systemd' : '/etc/containers/systemd/users';
  return joinPath(folder, text(quadlet, 'name'));
}

/** Quadlets become files below /etc/containers/systemd, instances links to their template, drop-ins files beside them. */
export function addQuadlets(state: TranslationState): void {
  const quadlets = list(state.source['systemd'] as Fields | undefined, 'quadlets');
  if (quadlets.length === 0) return;
  const nodes = new NodeIndex(state.config);
  for (const [i, quadlet] of quadlets.entries()) {
    const at: Path = ['systemd', 'quadlets', i];
    const path = quadletPath(quadlet);
    const template = quadletTemplate(text(quadlet, 'name'));
    if (template === undefined) addFile(quadlet, path, at, nodes, state);
    else addInstance(path, template, at, nodes, state);
    list(quadlet, 'dropins').forEach((dropin, n) => {
      addFile(dropin, `${path}.d/${text(dropin, 'name')}`, [...at, 'dropins', n], nodes, state);
    });
  }
}

function addInstance(path: string, target: string, at: Path, nodes: NodeIndex, state: TranslationState): void {
  if (nodes.has(path)) {
    report(state.report, 'error', at, 'node-exists');
    return;
  }
  const node: Draft = { path, target };
  const { index } = nodes.add('links', node);
  const to: Path = ['storage', 'links', index];
  if (index === 0) state.translations.add(at, ['storage', 'links']);
  const type = state.schema.byName.get('storage')!.type!.byName.get('links')!.type!;
  state.translations.addTree(at, to, node as Fields, type);
  state.translations.add([...at, 'name'], [...to, 'path']);
}

function addFile(source: Fields, path: string, at: Path, nodes: NodeIndex, state: TranslationState): void {
  if (nodes.has(path)) {
    report(state.report, 'error', at, 'node-exists');
    return;
  }
  const node: Draft = { path, mode: 0o644 };
  const { index } = nodes.add('files', node);
  const to: Path = ['storage', 'files', index];
  if (index === 0) state.translations.add(at, ['storage', 'files']);
  const type = state.schema.byName.get('storage')!.type!.byName.get('files')!.type!;
  state.translations.addTree(at, to, node as Fields, type);
  state.translations.add([...at, 'name'], [...to, 'path']);
  const found = readContents(source, at, state);
  if (found === undefined) return;
  const made = makeDataSource(found.bytes, undefined, state.mayCompress);
  node['contents'] = { source: made.url, compression: made.compression };
  state.translations.add(found.at, [...to, 'contents', 'source']);
  state.translations.add(at, [...to, 'contents', 'compression']);
  state.translations.add(found.at, [...to, 'contents']);
}

function readContents(source: Fields, at: Path, state: TranslationState): { bytes: Uint8Array; at: Path } | undefined {
  const contents = maybeText(source, 'contents');
  if (contents !== undefined && contents !== '') return { bytes: rawBytes(contents), at: [...at, 'contents'] };
  const local = text(source, 'contents_local');
  if (local === '') return { bytes: new Uint8Array(), at };
  const bytes = readLocal(local, [...at, 'contents_local'], state);
  return bytes === undefined ? undefined : { bytes, at: [...at, 'contents_local'] };
}
