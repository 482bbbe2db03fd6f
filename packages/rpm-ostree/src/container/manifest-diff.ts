// How two images differ in their layers, in the lines that the original prints.
import { type ImageSource, type Manifest, readImageConfig } from '@coppice/oci';
import { formatSize } from '@coppice/ostree';

export interface ManifestDiff {
  readonly total: number;
  readonly totalSize: number;
  readonly removed: number;
  readonly removedSize: number;
  readonly added: number;
  readonly addedSize: number;
}

/** Layers that only one of two manifests has, by digest. */
export function diffManifests(from: Manifest, to: Manifest): ManifestDiff {
  const size = (layers: readonly { readonly size: number }[]): number => layers.reduce((n, l) => n + l.size, 0);
  const only = (a: Manifest, b: Manifest): Manifest['layers'] => {
    const there = new Set(b.layers.map((l) => l.digest));
    return a.layers.filter((l) => !there.has(l.digest));
  };
  const removed = only(from, to);
  const added = only(to, from);
  return {
    total: to.layers.length,
    totalSize: size(to.layers),
    removed: removed.length,
    removedSize: size(removed),
    added: added.length,
    addedSize: size(added),
  };
}

export function formatManifestDiff(diff: ManifestDiff): string {
  const row = (title: string, count: number, size: number): string =>
    `${title.padEnd(17)} ${String(count).padEnd(4)}  Size: ${formatSize(size)}\n`;
  return (
    row('Total new layers:', diff.total, diff.totalSize) +
    row('Removed layers:', diff.removed, diff.removedSize) +
    row('Added layers:', diff.added, diff.addedSize)
  );
}

/** Labels in the configuration of an image. Throws `Invalid`, `Limit`, `Corrupt`. */
export async function imageLabels(source: ImageSource, manifest: Manifest): Promise<Readonly<Record<string, string>>> {
  return (await readImageConfig(source, manifest)).config?.Labels ?? {};
}
