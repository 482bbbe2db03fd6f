// A commit as a container image whose layers follow its packages.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoppiceError, type Progress, silentProgress } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import {
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
import { binLayer, commitLayer, componentsOfManifest, type FormatVersion, type Layer } from './chunks.ts';
import { type Component, type ComponentFacts, componentsOf } from './components.ts';
import { defaultLayers, packComponents } from './packing.ts';

export interface EncapsulateOptions {
  readonly repo: Repo;
  readonly commit: string;
  readonly target: ImageTarget;
  /** Tag or name below which the manifest is stored. */
  readonly reference: string;
  /** Most layers beside that of the commit, at least 4; default 64. */
  readonly maxLayers?: number;
  /** An earlier image, whose layers the components stay in. */
  readonly previous?: Manifest;
  readonly formatVersion?: FormatVersion;
  readonly labels?: Readonly<Record<string, string>>;
  /** Metadata keys of the commit that become labels. */
  readonly copyMetadata?: readonly string[];
  /** Keys that may be missing. */
  readonly copyOptional?: readonly string[];
  readonly cmd?: readonly string[];
  /** OCI's name of the architecture; default this machine's. */
  readonly architecture?: string;
  /** Further fields of the image's configuration (OCI image-spec, config.md, `config`). */
  readonly imageConfig?: Readonly<Record<string, unknown>>;
  /** Also a tree without packages; rpm-ostree refuses it, since layers follow packages. */
  readonly withoutPackages?: boolean;
  readonly progress?: Progress;
}

export interface EncapsulatedImage {
  readonly digest: string;
  readonly manifest: Manifest;
  /** Layers that the target did not have. */
  readonly written: number;
  readonly components: readonly Component[];
  readonly facts: ComponentFacts;
}

function commitLabels(loaded: ReturnType<Repo['loadCommit']>, options: EncapsulateOptions): Record<string, string> {
  const { metadata } = loaded;
  const labels: Record<string, string> = {};
  const copy = (key: string): boolean => {
    const value = metadata.lookupString(key);
    if (value !== undefined) labels[key] = value;
    return value !== undefined;
  };
  for (const key of options.copyMetadata ?? [])
    if (!copy(key)) throw new CoppiceError('NotFound', `Could not find commit metadata key: ${key}`);
  for (const key of [...(options.copyOptional ?? []), 'rpmostree.inputhash', 'ostree.linux']) copy(key);
  const bootable = metadata.lookupBoolean('ostree.bootable');
  if (bootable !== undefined) {
    labels['ostree.bootable'] = String(bootable);
    labels['containers.bootc'] = '1';
  }
  const version = versionOf(loaded);
  if (version !== undefined) labels['org.opencontainers.image.version'] = version;
  return labels;
}

function readComponents(
  tree: ImageTree,
  known: ReadonlySet<string>,
  withoutPackages: boolean,
): ReturnType<typeof componentsOf> {
  const scratch = mkdtempSync(join(tmpdir(), 'encapsulate-'));
  try {
    const taken = TreeDatabase.take(tree, scratch);
    const headers = taken?.installed().map((p) => p.header) ?? [];
    taken?.done();
    if (headers.length === 0 && !withoutPackages) throw new CoppiceError('NotFound', 'Failed to find any packages');
    return componentsOf(tree, headers, known);
  } finally {
    removeTree(scratch);
  }
}

/** Writes the image. The same commit gives the same image. Throws `Invalid`, `NotFound` and what reading the commit and writing the target throw. */
export async function encapsulate(options: EncapsulateOptions): Promise<EncapsulatedImage> {
  const { repo, commit, target } = options;
  const progress = options.progress ?? silentProgress;
  const tree = ImageTree.fromCommit(repo, commit);
  const loaded = repo.loadCommit(commit);
  const copied = commitLabels(loaded, options);
  const before = options.previous === undefined ? undefined : componentsOfManifest(options.previous);
  const { components, facts } = readComponents(tree, new Set(before?.flat()), options.withoutPackages === true);
  const bins = packComponents(components, options.maxLayers ?? defaultLayers, before);
  const layers: Omit<Layer, 'bytes'>[] = [];
  let written = 0;
  const add = async ({ bytes, ...layer }: Layer): Promise<void> => {
    layers.push(layer);
    if (await target.hasBlob(layer.descriptor.digest)) return;
    await target.putBlob(layer.descriptor, bytes);
    written += 1;
  };
  const step = 'Writing layers';
  progress({ type: 'begin', step });
  await add(commitLayer(repo, commit, tree));
  for (const [i, bin] of bins.entries()) {
    progress({ type: 'update', step, done: i, total: bins.length });
    await add(binLayer(tree, bin, options.formatVersion ?? 1));
  }
  progress({ type: 'end', step });
  const diffIds = layers.map((l) => l.diffId);
  const given = options.imageConfig ?? {};
  const labels: Record<string, string> = {
    ...(given['Labels'] as Record<string, string> | undefined),
    'ostree.commit': commit,
    'ostree.final-diffid': diffIds.at(-1)!,
    ...copied,
    ...options.labels,
  };
  const created = new Date(Number(loaded.timestamp) * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
  const config: ImageConfig = {
    architecture: options.architecture ?? machineArchitecture,
    os: 'linux',
    created,
    config: { ...given, Labels: labels, ...(options.cmd === undefined ? {} : { Cmd: options.cmd }) },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: layers.map(({ title }) => ({ created, created_by: title })),
  };
  const configBytes = encodeDocument(config);
  const configDescriptor = { mediaType: mediaTypes.config, digest: digestOf(configBytes), size: configBytes.length };
  await target.putBlob(configDescriptor, configBytes);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: configDescriptor,
    layers: layers.map((l) => l.descriptor),
    annotations: labels,
  };
  const bytes = encodeDocument(manifest);
  await target.putManifest(options.reference, bytes, mediaTypes.manifest);
  return { digest: digestOf(bytes), manifest, written, components, facts };
}

/** The list of components that `--write-contentmeta-json` writes, largest first. */
export function contentMetadata(components: readonly Component[]): string {
  const number = (n: number): number => (n === Number.POSITIVE_INFINITY ? 0xffffffff : n);
  return JSON.stringify(
    components.map((c) => ({
      identifier: c.title,
      name: c.name,
      srcid: c.source,
      change_time_offset: number(c.age),
      change_frequency: number(c.changes),
      size: c.size,
    })),
  );
}
