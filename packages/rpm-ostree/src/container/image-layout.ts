// What an image that holds a commit is made of, and what its merge commit says about it.
import { CoppiceError } from '@coppice/base';
import { Variant, VariantDict } from '@coppice/gvariant';
import type { Descriptor, ImageConfig, Manifest } from '@coppice/oci';
import type { Repo } from '@coppice/ostree';
import { packageListKey } from '../pkglist.ts';

export interface ImageLayer {
  readonly layer: Descriptor;
  readonly diffId: string | undefined;
}

/** The layer with the commit, those with its objects, and those that were built on top. */
export function imageLayout(
  manifest: Manifest,
  config: ImageConfig,
): { commit: ImageLayer; objects: ImageLayer[]; derived: ImageLayer[] } {
  const all = manifest.layers.map((layer, i) => ({ layer, diffId: config.rootfs.diff_ids[i] }));
  const [commit] = all;
  if (commit === undefined) throw new CoppiceError('Invalid', 'No layers found in image');
  const label = config.config?.Labels?.['ostree.final-diffid'];
  const final = label === undefined ? 0 : all.findIndex(({ diffId }) => diffId === label);
  if (final < 0) throw new CoppiceError('Invalid', `Failed to find target layer ${label} in image`);
  return { commit, objects: all.slice(1, final + 1), derived: all.slice(final + 1) };
}

const filteredKey = 'ostree.tar-filtered';

/** Members left out of each derived layer, by its digest. */
export type Filtered = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** When the image was made, seconds since the epoch. */
export function createdAt(manifest: Manifest, config: ImageConfig, fallback: bigint | number): bigint | number {
  const text = manifest.annotations?.['org.opencontainers.image.created'] ?? config.created;
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) || time < 0 ? fallback : Math.floor(time / 1000);
}

export function mergeMetadata(
  repo: Repo,
  encapsulated: string,
  digest: string,
  manifest: Manifest,
  config: ImageConfig,
  filtered: Filtered | undefined,
): VariantDict {
  const base = repo.loadCommit(encapsulated).metadata;
  // What was built on top may have changed the packages: the base's list says nothing about them then.
  const derived = filtered !== undefined;
  const out = new VariantDict();
  out.set('ostree.manifest-digest', Variant.string(digest));
  out.set('ostree.manifest', Variant.string(JSON.stringify(manifest)));
  out.set('ostree.container.image-config', Variant.string(JSON.stringify(config)));
  out.set('ostree.importer.version', Variant.string('1'));
  if (filtered !== undefined && filtered.size > 0)
    out.set(
      filteredKey,
      new Variant(
        'a{sa{su}}',
        [...filtered].map(([layer, counts]) => [layer, [...counts]]),
      ),
    );
  for (const key of [
    'version',
    ...(derived ? [] : [packageListKey]),
    'ostree.linux',
    'ostree.bootable',
    'rpmostree.rpmmd-repos',
    'rpmostree.initramfs-args',
  ]) {
    const value = base.get(key);
    if (value !== undefined) out.set(key, value);
  }
  return out;
}
