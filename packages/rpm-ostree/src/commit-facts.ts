// What the commits of this stack say about themselves: layered or base, repositories used, requests that were active.
import { swap64, type Value, Variant, type VariantDict } from '@coppice/gvariant';
import type { Commit, Repo } from '@coppice/ostree';
import type { Nevra } from './nevra.ts';
import type { RepoStamp } from './status/model.ts';

/** A commit that was assembled on the node; older ones only have `rpmostree.spec`. */
export function isLayered(metadata: VariantDict): boolean {
  return metadata.lookupBoolean('rpmostree.clientlayer') ?? metadata.has('rpmostree.spec');
}

/** The base commit below a commit: its parent when it is layered, itself otherwise. */
export function baseOf(repo: Repo, checksum: string): string {
  const commit = repo.loadCommit(checksum);
  return isLayered(commit.metadata) && commit.parent !== undefined ? commit.parent : checksum;
}

/** `rpmostree.rpmmd-repos`: numbers are big-endian in composed commits, host-endian in layered ones. */
export function repoStamps(metadata: VariantDict): RepoStamp[] {
  const list = metadata.lookup('rpmostree.rpmmd-repos', 'aa{sv}') as readonly Value[] | undefined;
  if (list === undefined) return [];
  const layered = isLayered(metadata);
  return list.flatMap((entry) => {
    const dict = new Map(entry as unknown as readonly (readonly [string, Variant])[]);
    const id = dict.get('id');
    const timestamp = dict.get('timestamp');
    if (id?.type !== 's' || timestamp?.type !== 't') return [];
    const raw = BigInt(timestamp.value as bigint | number);
    return [{ id: id.value as string, timestamp: Number(layered ? raw : swap64(raw)) }];
  });
}

/** The variant of `rpmostree.rpmmd-repos`; `bigEndian` for composed commits. */
export function repoStampsVariant(repos: readonly RepoStamp[], bigEndian: boolean): Variant {
  return new Variant(
    'aa{sv}',
    repos.map(
      (r) =>
        new Map<string, Variant>([
          ['id', Variant.string(r.id)],
          ['timestamp', new Variant('t', bigEndian ? swap64(BigInt(r.timestamp)) : BigInt(r.timestamp))],
        ]),
    ),
  );
}

/** (sstsss): nevra, name, epoch, version, release, arch. */
export function nevraVariant(p: Nevra, nevra: string): Variant {
  return new Variant('(sstsss)', [nevra, p.name, BigInt(p.epoch), p.version, p.release, p.arch]);
}

export function nevraOfVariant(value: Value): Nevra {
  const [, name, epoch, version, release, arch] = value as readonly Value[];
  return {
    name: String(name),
    epoch: Number(epoch),
    version: String(version),
    release: String(release),
    arch: String(arch),
  };
}

/** `version` of a commit's metadata. */
export function versionOf(commit: Pick<Commit, 'metadata'>): string | undefined {
  return commit.metadata.lookupString('version');
}
