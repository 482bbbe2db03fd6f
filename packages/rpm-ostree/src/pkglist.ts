// The package list a commit carries in its metadata: `rpmostree.rpmdb.pkglist`, a(sssss) of name, epoch, version, release, arch.
import { Variant, type VariantDict } from '@coppice/gvariant';
import type { Nevra } from './nevra.ts';
import { comparePackages } from './pkgdiff.ts';

export const packageListKey = 'rpmostree.rpmdb.pkglist';

/** The list as a variant, sorted. */
export function packageListVariant(packages: readonly Nevra[]): Variant {
  const sorted = [...packages].sort(comparePackages);
  return new Variant(
    'a(sssss)',
    sorted.map((p) => [p.name, String(p.epoch), p.version, p.release, p.arch]),
  );
}

/** The list of a commit's metadata; undefined when it has none. */
export function packageListOf(metadata: VariantDict): Nevra[] | undefined {
  const rows = metadata.lookup(packageListKey, 'a(sssss)') as readonly (readonly string[])[] | undefined;
  return rows?.map(([name, epoch, version, release, arch]) => ({
    name: name!,
    epoch: Number(epoch),
    version: version!,
    release: release!,
    arch: arch!,
  }));
}
