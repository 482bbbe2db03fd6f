// The commit of a base with layers: known already, or put together with the base as its parent.
import { join } from 'node:path';
import { Variant, VariantDict } from '@coppice/gvariant';
import { readFile } from '@coppice/linux';
import { cliwrapPrograms } from '../assemble/cliwrap.ts';
import { layerPackages } from '../assemble/layer.ts';
import { nevraVariant, repoStampsVariant, versionOf } from '../commit-facts.ts';
import type { ImportedPackage } from '../import/package-commit.ts';
import { formatNevra, type Nevra } from '../nevra.ts';
import type { Origin } from '../origin.ts';
import { packageListKey, packageListVariant } from '../pkglist.ts';
import type { Replacement } from '../status/model.ts';
import { ImageTree } from '../tree/image-tree.ts';
import { assemblyDir } from './cleanup.ts';
import type { Client } from './client.ts';
import { digestInputs, knownLayer, rememberLayer } from './known-layers.ts';
import type { LoadedRepository } from './repo-metadata.ts';
import type { Resolution } from './resolve.ts';

/** What the next tree consists of, all of it at hand. */
export interface LayerPlan {
  readonly base: string;
  readonly origin: Origin;
  readonly resolution: Resolution;
  readonly digest: string;
  readonly imported: readonly ImportedPackage[];
  readonly repositories: readonly LoadedRepository[];
}

function replacedVariant(list: readonly Replacement[]): Variant {
  const v = (p: Nevra): Variant => nevraVariant(p, formatNevra(p));
  return new Variant(
    'a(vv)',
    list.map((r) => [v(r.to), v(r.from)]),
  );
}

function layerMetadata(
  client: Client,
  facts: Pick<LayerPlan, 'base' | 'resolution' | 'digest' | 'repositories'>,
  packages: readonly Nevra[],
): VariantDict {
  const base = client.repo.loadCommit(facts.base);
  const out = new VariantDict();
  const version = versionOf(base);
  if (version !== undefined) out.set('version', Variant.string(version));
  out.set('rpmostree.clientlayer', Variant.boolean(true));
  out.set('rpmostree.clientlayer_version', Variant.uint32(6));
  const stamps = facts.repositories.map((r) => ({ id: r.repository.id, timestamp: r.timestamp }));
  out.set('rpmostree.rpmmd-repos', repoStampsVariant(stamps, false));
  out.set('rpmostree.packages', Variant.strings([...facts.resolution.activeRequests].sort()));
  out.set('rpmostree.modules', Variant.strings([]));
  out.set(
    'rpmostree.removed-base-packages',
    new Variant(
      'av',
      facts.resolution.removed.map((p) => nevraVariant(p, formatNevra(p))),
    ),
  );
  out.set('rpmostree.replaced-base-packages', replacedVariant(facts.resolution.replaced));
  out.set(
    'rpmostree.replaced-base-remote-packages',
    new Variant('a{sv}', new Map(facts.resolution.remoteReplaced.map((g) => [g.source, replacedVariant(g.packages)]))),
  );
  out.set(packageListKey, packageListVariant(packages));
  out.set('rpmostree.state-sha512', Variant.string(facts.digest));
  for (const key of ['ostree.linux', 'ostree.bootable'] as const) {
    const value = base.metadata.get(key);
    if (value !== undefined) out.set(key, value);
  }
  return out;
}

function localUsers(client: Client): { passwd: string; group: string } | undefined {
  const merge = client.sysroot.mergeDeployment(client.osname);
  if (merge === undefined) return undefined;
  const read = (name: string): string => {
    try {
      return readFile(`${client.sysroot.deploymentPath(merge)}/etc/${name}`, {
        fs: client.fs,
        limit: 16 << 20,
      }).toString();
    } catch {
      return '';
    }
  };
  return { passwd: read('passwd'), group: read('group') };
}

/** Base packages that go, replaced or not. */
export function gonePackages(resolution: Resolution): Nevra[] {
  return [
    ...resolution.removed,
    ...resolution.replaced.map((r) => r.from),
    ...resolution.remoteReplaced.flatMap((g) => g.packages.map((r) => r.from)),
  ];
}

/** Says how many overrides and overlays there are; true when there are overrides. */
function announceOverrides(client: Client, resolution: Resolution): boolean {
  const replaced = resolution.replaced.length + resolution.remoteReplaced.reduce((n, g) => n + g.packages.length, 0);
  const overrides = resolution.removed.length + replaced;
  const overlays = resolution.add.length - replaced;
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
  if (overrides > 0)
    client.message(
      `Applying ${count(overrides, 'override')}${overlays > 0 ? ` and ${count(overlays, 'overlay')}` : ''}`,
    );
  return overrides > 0;
}

/** Makes the commit, unless a deployment has the one that would come out. */
export async function commitLayers(client: Client, plan: LayerPlan): Promise<string> {
  const { base, origin, resolution, imported } = plan;
  const { repo } = client;
  const changesBase = announceOverrides(client, resolution);
  const baseCommit = repo.loadCommit(base);
  const add = resolution.add.map((a, i) => ({ pkg: imported[i]!, force: a.force }));
  const gone = gonePackages(resolution);
  const users = localUsers(client);
  const initramfs = origin.regenerateInitramfs
    ? origin.initramfsArgs.length > 0
      ? origin.initramfsArgs
      : (baseCommit.metadata.lookupStrings('rpmostree.initramfs-args') ?? [])
    : undefined;
  const metadata = layerMetadata(client, plan, []);
  const inputs = digestInputs({ base, metadata, add, gone, initramfs, users });
  const known = knownLayer(client, inputs);
  if (known !== undefined) return await client.step('Writing OSTree commit', () => known);
  const baseDeployment = client.sysroot.deployments.find((d) => d.checksum === base);
  const time = Number(baseCommit.timestamp);
  const checksum = await repo.transactionAsync(async (txn) => {
    const tree = ImageTree.fromCommit(repo, base);
    const packages = await layerPackages(txn, tree, {
      add,
      gone,
      ...(baseDeployment === undefined ? {} : { baseDir: client.sysroot.deploymentPath(baseDeployment) }),
      ...(initramfs === undefined ? {} : { initramfs: { args: initramfs } }),
      ...(origin.cliwrap ? { cliwrap: cliwrapPrograms } : {}),
      installTime: time,
      sourceDateEpoch: time,
      scratch: join(assemblyDir(client), 'commit'),
      env: client.env,
      fs: client.fs,
      progress: client.progress,
      checkoutStep: changesBase ? 'Processing packages' : 'Checking out packages',
      ...(users === undefined ? {} : { localUsers: users }),
      signal: client.signal,
    });
    return await client.step('Writing OSTree commit', () =>
      txn.writeCommit({
        metadata: layerMetadata(client, plan, packages),
        parent: base,
        subject: '',
        body: '',
        timestamp: baseCommit.timestamp,
        ...tree.write(txn),
      }),
    );
  });
  rememberLayer(client, inputs, checksum);
  return checksum;
}
