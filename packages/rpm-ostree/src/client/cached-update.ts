// The update that a check found, kept in /var/cache/rpm-ostree/cached-update.gv until something is deployed.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isCoppiceError } from '@coppice/base';
import { Variant, VariantDict } from '@coppice/gvariant';
import { readFile, replaceFile } from '@coppice/linux';
import type { Deployment } from '@coppice/sysroot';
import { advisoriesIn, advisoriesOfCommit, advisoryVariant } from '../advisory-list.ts';
import { baseOf, versionOf } from '../commit-facts.ts';
import { compareEvr, formatEvr, formatNevra, type Nevra } from '../nevra.ts';
import { diffPackages, isEmptyDiff, type PackageDiff } from '../pkgdiff.ts';
import { formatRefspec } from '../refspec.ts';
import type { CachedUpdate } from '../status/model.ts';
import { advisoriesFor, cachedAdvisories } from './advisories.ts';
import type { Client } from './client.ts';
import { packagesOf } from './packages-of.ts';
import { remoteFacts } from './remote-facts.ts';
import { cacheDir, type LoadedRepository, loadRepositories } from './repo-metadata.ts';

const sizeLimit = 16 * 1024 * 1024;
/** The deployment that the update was computed against: with another one first, it says nothing. */
const fromKey = 'coppice.from';
const changeType = { added: 0, removed: 1, upgraded: 2, downgraded: 3 } as const;

function filePath(client: Client): string {
  return join(cacheDir(client), 'cached-update.gv');
}

function idOf(d: Deployment): string {
  return `${d.osname}-${d.name}`;
}

const key = (p: Nevra): string => `${p.name}.${p.arch}`;

/** Layered packages of which the repositories have a newer build. */
function newerLayers(layered: readonly Nevra[], repositories: readonly LoadedRepository[]): Nevra[] {
  const best = new Map<string, Nevra>(layered.map((p) => [key(p), p]));
  for (const { packages } of repositories)
    for (const { nevra } of packages) {
      const at = best.get(key(nevra));
      if (at !== undefined && compareEvr(nevra, at) > 0) best.set(key(nevra), nevra);
    }
  return [...best.values()];
}

/**
 * What moving to the base commit `found` (whose objects need not be here) would change, with the advisories it resolves;
 * undefined when nothing would. Throws `Network`, `NotFound` while it looks at repositories.
 */
export async function findUpdate(client: Client, found: string): Promise<CachedUpdate | undefined> {
  const { repo } = client;
  const previous = client.originMerge;
  const base = baseOf(repo, previous.checksum);
  const origin = client.origin(previous);
  const before = packagesOf(repo, base);
  const inBase = new Set(before.map(key));
  const layered = packagesOf(repo, previous.checksum).filter((p) => !inBase.has(key(p)));
  const repositories = layered.length === 0 ? [] : await loadRepositories(client, base);
  const after = found === base ? before : packagesOf(repo, found);
  const diff = diffPackages([...before, ...layered], [...after, ...newerLayers(layered, repositories)]);
  if (found === base && isEmptyDiff(diff)) return undefined;
  const fresh = new Set([...diff.upgraded.map((c) => c.to), ...diff.added].map(formatNevra));
  const commit = repo.loadCommit(found);
  const version = versionOf(commit);
  const { refspec } = origin;
  const { gpgEnabled, signatures } = remoteFacts(
    client,
    refspec?.kind === 'ostree' ? refspec.remote : undefined,
    found,
  );
  return {
    osname: previous.osname,
    checksum: found,
    ...(version === undefined ? {} : { version }),
    timestamp: Number(commit.timestamp),
    origin: refspec === undefined ? '' : formatRefspec(refspec),
    gpgEnabled,
    signatures,
    refHasNewCommit: found !== base,
    diff,
    advisories: [
      ...advisoriesFor(advisoriesOfCommit(repo, found) ?? [], fresh),
      ...repositories.flatMap((r) => advisoriesFor(cachedAdvisories(client, r.repository.id, r.root), fresh)),
    ],
  };
}

function packageRows(diff: PackageDiff): VariantDict {
  const pairs = (kind: 'upgraded' | 'downgraded'): Variant =>
    new Variant(
      'a(us(ss)(ss))',
      diff[kind].map(({ from, to }) => [
        changeType[kind],
        from.name,
        [formatEvr(from), from.arch],
        [formatEvr(to), to.arch],
      ]),
    );
  const singles = (kind: 'removed' | 'added'): Variant =>
    new Variant(
      'a(usss)',
      diff[kind].map((p) => [changeType[kind], p.name, formatEvr(p), p.arch]),
    );
  return new VariantDict([
    ['upgraded', pairs('upgraded')],
    ['downgraded', pairs('downgraded')],
    ['removed', singles('removed')],
    ['added', singles('added')],
  ]);
}

/** Keeps an update for `status`; undefined forgets the one there is. */
export function storeUpdate(client: Client, update: CachedUpdate | undefined): void {
  const path = filePath(client);
  if (update === undefined) {
    rmSync(path, { force: true });
    return;
  }
  const out = new VariantDict([
    [fromKey, Variant.string(idOf(client.originMerge))],
    ...(update.deploymentId === undefined ? [] : [['deployment', Variant.string(update.deploymentId)] as const]),
    ['osname', Variant.string(update.osname)],
    ['checksum', Variant.string(update.checksum)],
    ...(update.version === undefined ? [] : [['version', Variant.string(update.version)] as const]),
    ['timestamp', Variant.uint64(update.timestamp)],
    ['origin', Variant.string(update.origin)],
    ['gpg-enabled', Variant.boolean(update.gpgEnabled)],
    ['ref-has-new-commit', Variant.boolean(update.refHasNewCommit)],
  ]);
  if (update.diff !== undefined) out.set('rpm-diff', new Variant('a{sv}', [...packageRows(update.diff)]));
  if (update.advisories.length > 0) out.set('advisories', advisoryVariant(update.advisories, false));
  mkdirSync(cacheDir(client), { recursive: true });
  replaceFile(path, out.encode(), { fs: client.fs });
}

function nevra(name: string, evr: string, arch: string): Nevra {
  const [, epoch, version, release] = /^(?:(\d+):)?(.*)-([^-]*)$/.exec(evr) ?? [undefined, undefined, evr, ''];
  return { name, epoch: Number(epoch ?? 0), version: version!, release: release!, arch };
}

type PairRow = readonly [number, string, readonly [string, string], readonly [string, string]];
type SingleRow = readonly [number, string, string, string];

function readDiff(rows: VariantDict): PackageDiff {
  const pairs = (kind: string): { from: Nevra; to: Nevra }[] =>
    ((rows.lookup(kind, 'a(us(ss)(ss))') ?? []) as unknown as readonly PairRow[]).map(([, name, from, to]) => ({
      from: nevra(name, ...from),
      to: nevra(name, ...to),
    }));
  const singles = (kind: string): Nevra[] =>
    ((rows.lookup(kind, 'a(usss)') ?? []) as unknown as readonly SingleRow[]).map(([, name, evr, arch]) =>
      nevra(name, evr, arch),
    );
  return {
    upgraded: pairs('upgraded'),
    downgraded: pairs('downgraded'),
    removed: singles('removed'),
    added: singles('added'),
  };
}

/** The kept update, if it was computed for the first deployment; what is damaged counts as none. */
export function loadUpdate(client: Client): CachedUpdate | undefined {
  let dict: VariantDict;
  try {
    dict = VariantDict.decode(readFile(filePath(client), { fs: client.fs, limit: sizeLimit }));
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR' || isCoppiceError(error)) return undefined;
    throw error;
  }
  const checksum = dict.lookupString('checksum');
  const first = client.deployments[0];
  if (first === undefined || checksum === undefined || dict.lookupString(fromKey) !== idOf(first)) return undefined;
  if (!client.repo.hasObject('commit', checksum)) return undefined;
  const version = dict.lookupString('version');
  const rows = dict.get('rpm-diff');
  const { refspec } = client.origin(first);
  const { gpgEnabled, signatures } = remoteFacts(
    client,
    refspec?.kind === 'ostree' ? refspec.remote : undefined,
    checksum,
  );
  const deploymentId = dict.lookupString('deployment');
  return {
    ...(deploymentId === undefined ? {} : { deploymentId }),
    osname: dict.lookupString('osname') ?? first.osname,
    checksum,
    ...(version === undefined ? {} : { version }),
    timestamp: Number(dict.lookup('timestamp', 't') ?? 0),
    origin: dict.lookupString('origin') ?? '',
    gpgEnabled,
    signatures,
    refHasNewCommit: dict.lookupBoolean('ref-has-new-commit') ?? false,
    ...(rows?.type === 'a{sv}'
      ? { diff: readDiff(new VariantDict(rows.value as unknown as readonly (readonly [string, Variant])[])) }
      : {}),
    advisories: advisoriesIn(dict, 'advisories', false),
  };
}
