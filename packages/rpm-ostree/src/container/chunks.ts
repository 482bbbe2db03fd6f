// The layers of a chunked image: what each holds, and its bytes.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type TarMember, writeTar } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import { type Descriptor, digestOf, type Manifest, mediaTypes } from '@coppice/oci';
import type { Repo } from '@coppice/ostree';
import type { ImageTree } from '../tree/image-tree.ts';
import type { Component } from './components.ts';
import { directoryMember, fileMember, imagePath, layerRepo, ObjectLayer, objectPath } from './object-layer.ts';
import { binTitle } from './packing.ts';

/** 1: layers hold files only; 2: also the directories above them, so that a layer unpacks alone. */
export type FormatVersion = 1 | 2;

/** Annotation of a layer with the names of its components. */
export const componentsKey = 'ostree.components';

export interface Layer {
  readonly title: string;
  readonly descriptor: Descriptor;
  readonly diffId: string;
  readonly bytes: Uint8Array;
}

function makeLayer(members: Iterable<TarMember>, title: string, components: readonly string[]): Layer {
  const parts: Buffer[] = [];
  const hash = createHash('sha256');
  for (const piece of writeTar(members, { format: 'pax', blocking: 512 })) {
    hash.update(piece);
    parts.push(Buffer.from(piece));
  }
  const bytes = gzipSync(Buffer.concat(parts), { level: 6 });
  return {
    title,
    descriptor: {
      mediaType: mediaTypes.layerGzip,
      digest: digestOf(bytes),
      size: bytes.length,
      annotations: { [componentsKey]: components.join(',') },
    },
    diffId: `sha256:${hash.digest('hex')}`,
    bytes,
  };
}

function* objectDirectories(): Generator<TarMember> {
  for (const dir of ['sysroot', 'sysroot/ostree', layerRepo, `${layerRepo}/objects`]) yield directoryMember(dir);
}

/** The layout of a repository, and the commit with all its directories. */
export function* structure(repo: Repo, commit: string, tree: ImageTree): Generator<TarMember> {
  yield* objectDirectories();
  for (let i = 0; i < 256; i++) yield directoryMember(`${layerRepo}/objects/${i.toString(16).padStart(2, '0')}`);
  for (const dir of ['extensions', 'refs', 'refs/heads', 'refs/mirrors', 'refs/remotes', 'state', 'tmp', 'tmp/cache'])
    yield directoryMember(`${layerRepo}/${dir}`);
  yield fileMember(`${layerRepo}/config`, Buffer.from('[core]\nrepo_version=1\nmode=bare-split-xattrs\n'));
  yield fileMember(objectPath(commit, 'commit'), repo.loadCommitBytes(commit));
  const detached = repo.tryLoadMetadata('commitmeta', commit);
  if (detached !== undefined) yield fileMember(objectPath(commit, 'commitmeta'), detached);
  const seen = new Set<string>();
  for (const entry of repo.readTree(commit)) {
    if (entry.type !== 'directory') continue;
    for (const [type, checksum] of [
      ['dirtree', entry.checksum],
      ['dirmeta', entry.meta],
    ] as const) {
      if (seen.has(`${type}${checksum}`)) continue;
      seen.add(`${type}${checksum}`);
      yield fileMember(objectPath(checksum, type), repo.loadMetadata(type, checksum));
    }
  }
  for (const { path, node } of tree.walk()) {
    if (node.type !== 'directory' || path === 'sysroot') continue;
    const { meta } = node.dir;
    yield directoryMember(imagePath(path), meta.mode, meta);
  }
}

/** Objects and paths of a layer by checksum: one object may come from several of its components. */
function filesOf(bin: readonly Component[]): [string, readonly string[]][] {
  const out = new Map<string, string[]>();
  for (const { files } of bin)
    for (const [checksum, paths] of files) out.set(checksum, [...(out.get(checksum) ?? []), ...paths]);
  return [...out].map(([c, paths]): [string, string[]] => [c, paths.sort()]).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Every directory above the files, outermost first. */
function* parents(tree: ImageTree, files: readonly (readonly [string, readonly string[]])[]): Generator<TarMember> {
  yield* objectDirectories();
  const objects = new Set(files.map(([checksum]) => checksum.slice(0, 2)));
  for (const two of [...objects].sort()) yield directoryMember(`${layerRepo}/objects/${two}`);
  const dirs = new Set<string>();
  for (const [, paths] of files)
    for (const path of paths)
      for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) dirs.add(path.slice(0, at));
  for (const path of [...dirs].sort()) {
    const node = tree.lookup(path);
    if (node?.type === 'directory') yield directoryMember(imagePath(path), node.dir.meta.mode, node.dir.meta);
  }
}

function* binMembers(tree: ImageTree, bin: readonly Component[], version: FormatVersion): Generator<TarMember> {
  const files = filesOf(bin);
  if (version === 2 && files.length > 0) yield* parents(tree, files);
  const layer = new ObjectLayer(tree.repo);
  for (const [checksum, paths] of files) yield* layer.file(checksum, paths);
}

/** The layer with commit and directories, which comes first: directories must be there before what lies in them. */
export function commitLayer(repo: Repo, commit: string, tree: ImageTree): Layer {
  return makeLayer(structure(repo, commit, tree), `ostree export of commit ${commit}`, []);
}

/** The layer of one bin. The same components with the same files give the same bytes. */
export function binLayer(tree: ImageTree, bin: readonly Component[], version: FormatVersion): Layer {
  return makeLayer(
    binMembers(tree, bin, version),
    binTitle(bin),
    bin.map((c) => c.name),
  );
}

/** Names of the components in each layer of an earlier build but its first. Throws `Invalid` for an image not made so. */
export function componentsOfManifest(manifest: Manifest): string[][] {
  return manifest.layers.slice(1).map(({ annotations }) => {
    const text = annotations?.[componentsKey];
    if (text === undefined) throw new CoppiceError('Invalid', `Missing ${componentsKey} on prior build`);
    return text.split(',').filter((name) => name !== '');
  });
}
