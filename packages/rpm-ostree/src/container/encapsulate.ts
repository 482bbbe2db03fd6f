// A commit as a container image whose layers follow its packages.
import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type TarMember, writeTar } from '@coppice/archive';
import { type Progress, silentProgress } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import {
  type Descriptor,
  digestOf,
  encodeDocument,
  type ImageConfig,
  type ImageTarget,
  type Manifest,
  machineArchitecture,
  mediaTypes,
} from '@coppice/oci';
import type { Repo } from '@coppice/ostree';
import { versionOf } from '../commit-facts.ts';
import { TreeDatabase } from '../rpmdb.ts';
import { ImageTree } from '../tree/image-tree.ts';
import { type Chunk, chunkTree } from './chunks.ts';
import { directoryMember, fileMember, imagePath, layerRepo, ObjectLayer, objectPath } from './object-layer.ts';

export interface EncapsulateOptions {
  readonly repo: Repo;
  readonly commit: string;
  readonly target: ImageTarget;
  /** Tag or name below which the manifest is stored. */
  readonly reference: string;
  /** Most layers; default 64. */
  readonly maxLayers?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Metadata keys of the commit that become labels. */
  readonly copyMetadata?: readonly string[];
  readonly cmd?: readonly string[];
  readonly progress?: Progress;
}

export interface EncapsulatedImage {
  readonly digest: string;
  readonly manifest: Manifest;
  /** Layers that the target did not have. */
  readonly written: number;
}

/** The layout of a repository, and the commit with all its directories. */
function* structure(repo: Repo, commit: string, tree: ImageTree): Generator<TarMember> {
  for (const dir of ['sysroot', 'sysroot/ostree', layerRepo, `${layerRepo}/objects`]) yield directoryMember(dir);
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

function* chunkMembers(repo: Repo, chunk: Chunk): Generator<TarMember> {
  const layer = new ObjectLayer(repo);
  for (const [checksum, paths] of [...chunk.files].sort(([a], [b]) => (a < b ? -1 : 1)))
    yield* layer.file(checksum, paths);
}

interface Layer {
  readonly descriptor: Descriptor;
  readonly diffId: string;
  readonly bytes: Uint8Array;
}

function makeLayer(members: Iterable<TarMember>, annotations: Record<string, string>): Layer {
  const parts: Buffer[] = [];
  const hash = createHash('sha256');
  for (const piece of writeTar(members, { format: 'pax', blocking: 512 })) {
    hash.update(piece);
    parts.push(Buffer.from(piece));
  }
  const bytes = gzipSync(Buffer.concat(parts), { level: 6 });
  return {
    descriptor: { mediaType: mediaTypes.layerGzip, digest: digestOf(bytes), size: bytes.length, annotations },
    diffId: `sha256:${hash.digest('hex')}`,
    bytes,
  };
}

/** Writes the image. The same commit gives the same image. Throws what reading the commit and writing the target throw. */
export async function encapsulate(options: EncapsulateOptions): Promise<EncapsulatedImage> {
  const { repo, commit, target } = options;
  const progress = options.progress ?? silentProgress;
  const tree = ImageTree.fromCommit(repo, commit);
  const loaded = repo.loadCommit(commit);
  const scratch = mkdtempSync(join(tmpdir(), 'encapsulate-'));
  let chunks: Chunk[];
  try {
    const taken = TreeDatabase.take(tree, scratch);
    const headers = taken?.installed().map((p) => p.header) ?? [];
    taken?.done();
    chunks = chunkTree(tree, headers, options.maxLayers ?? 64);
  } finally {
    removeTree(scratch);
  }
  const layers: Descriptor[] = [];
  const diffIds: string[] = [];
  const history: { created_by: string }[] = [];
  let written = 0;
  const add = async (members: Iterable<TarMember>, name: string): Promise<void> => {
    const layer = makeLayer(members, { 'ostree.components': name });
    layers.push(layer.descriptor);
    diffIds.push(layer.diffId);
    history.push({ created_by: name });
    if (await target.hasBlob(layer.descriptor.digest)) return;
    await target.putBlob(layer.descriptor, layer.bytes);
    written += 1;
  };
  const step = 'Writing layers';
  progress({ type: 'begin', step });
  // Structure first: directories must be there before the links of other layers are unpacked over them.
  await add(structure(repo, commit, tree), 'ostree-commit');
  for (const [i, chunk] of chunks.entries()) {
    progress({ type: 'update', step, done: i, total: chunks.length, detail: chunk.name });
    await add(chunkMembers(repo, chunk), chunk.name);
  }
  progress({ type: 'end', step });
  const labels: Record<string, string> = {
    'containers.bootc': '1',
    'ostree.bootable': 'true',
    'ostree.commit': commit,
    'ostree.final-diffid': diffIds.at(-1)!,
  };
  const version = versionOf(loaded);
  if (version !== undefined) labels['org.opencontainers.image.version'] = version;
  const linux = loaded.metadata.lookupString('ostree.linux');
  if (linux !== undefined) labels['ostree.linux'] = linux;
  for (const key of options.copyMetadata ?? []) {
    const value = loaded.metadata.lookupString(key);
    if (value !== undefined) labels[key] = value;
  }
  Object.assign(labels, options.labels);
  const created = new Date(Number(loaded.timestamp) * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
  const config: ImageConfig = {
    architecture: machineArchitecture,
    os: 'linux',
    created,
    config: { Labels: labels, ...(options.cmd === undefined ? {} : { Cmd: options.cmd }) },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: history.map((h) => ({ created, ...h })),
  };
  const configBytes = encodeDocument(config);
  const configDescriptor = { mediaType: mediaTypes.config, digest: digestOf(configBytes), size: configBytes.length };
  await target.putBlob(configDescriptor, configBytes);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: configDescriptor,
    layers,
    annotations: labels,
  };
  const bytes = encodeDocument(manifest);
  await target.putManifest(options.reference, bytes, mediaTypes.manifest);
  return { digest: digestOf(bytes), manifest, written };
}
