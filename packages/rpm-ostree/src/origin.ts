// The origin file of a deployment: where its base comes from and what is layered on it. Key file groups `origin`, `packages`,
// `overrides` and `rpmostree`; values are copied back in the original's form.
import { CoppiceError } from '@coppice/base';
import { KeyFile } from '@coppice/keyfile';
import { formatRefspec, parseRefspec, type Refspec } from './refspec.ts';

/** A package requested as a file: SHA-256 of its lead, signature and header bytes, and its NEVRA. */
export interface LocalPackage {
  readonly sha256: string;
  readonly nevra: string;
}

/** Overrides taken from a repository: source is `repo=ID` or a file-name-like tag, with the package names. */
export interface RemoteOverride {
  readonly source: string;
  readonly names: readonly string[];
}

export interface Origin {
  /** Undefined for an origin this program does not understand. */
  readonly refspec: Refspec | undefined;
  /** Pinned commit (or image digest) below the refspec. */
  readonly overrideCommit?: string;
  readonly customOrigin?: { readonly url: string; readonly description: string };
  /** Text that explains why this origin cannot be upgraded. */
  readonly unconfiguredState?: string;
  readonly packages: readonly string[];
  readonly localPackages: readonly LocalPackage[];
  readonly localFileOverrides: readonly LocalPackage[];
  readonly removals: readonly string[];
  readonly localReplacements: readonly LocalPackage[];
  readonly remoteReplacements: readonly RemoteOverride[];
  readonly regenerateInitramfs: boolean;
  readonly initramfsArgs: readonly string[];
  readonly initramfsEtc: readonly string[];
  readonly cliwrap: boolean;
}

export const emptyOrigin: Origin = {
  refspec: undefined,
  packages: [],
  localPackages: [],
  localFileOverrides: [],
  removals: [],
  localReplacements: [],
  remoteReplacements: [],
  regenerateInitramfs: false,
  initramfsArgs: [],
  initramfsEtc: [],
  cliwrap: false,
};

export function originOfRefspec(refspec: Refspec): Origin {
  return { ...emptyOrigin, refspec };
}

function localPackages(file: KeyFile, group: string, key: string): LocalPackage[] {
  return file.stringList(group, key, []).map((entry) => {
    const colon = entry.indexOf(':');
    if (colon !== 64 || !/^[0-9a-f]{64}$/.test(entry.slice(0, 64)))
      throw new CoppiceError('Invalid', `Invalid SHA-256 NEVRA string: ${entry}`);
    return { sha256: entry.slice(0, 64), nevra: entry.slice(65) };
  });
}

/** Source and names of one entry of `replace=`: `repo=updates,pkg1,pkg2`. */
function remoteOverride(entry: string): RemoteOverride {
  const [source = '', ...names] = entry.split(',');
  if (source === '' || names.length === 0) throw new CoppiceError('Invalid', `Invalid override: ${entry}`);
  return { source, names };
}

/** Reads an origin file; throws `Invalid` for malformed lists. Unknown keys are dropped on the next write, as in the original. */
export function parseOrigin(source: string | KeyFile): Origin {
  const file = typeof source === 'string' ? KeyFile.parse(source) : source;
  const text = (group: string, key: string): string | undefined => {
    const value = file.string(group, key, undefined);
    return value === undefined || value === '' ? undefined : value;
  };
  const target =
    text('origin', 'refspec') ?? text('origin', 'baserefspec') ?? text('origin', 'container-image-reference');
  const url = text('origin', 'custom-url');
  const override = text('origin', 'override-commit');
  const unconfigured = text('origin', 'unconfigured-state');
  return {
    refspec: target === undefined ? undefined : parseRefspec(target),
    ...(override === undefined ? {} : { overrideCommit: override }),
    ...(url === undefined ? {} : { customOrigin: { url, description: text('origin', 'custom-description') ?? '' } }),
    ...(unconfigured === undefined ? {} : { unconfiguredState: unconfigured }),
    packages: file.stringList('packages', 'requested', []),
    localPackages: localPackages(file, 'packages', 'requested-local'),
    localFileOverrides: localPackages(file, 'packages', 'requested-local-fileoverride'),
    removals: file.stringList('overrides', 'remove', []),
    localReplacements: localPackages(file, 'overrides', 'replace-local'),
    remoteReplacements: file.stringList('overrides', 'replace', []).map(remoteOverride),
    regenerateInitramfs: file.boolean('rpmostree', 'regenerate-initramfs', false),
    initramfsArgs: file.stringList('rpmostree', 'initramfs-args', []),
    initramfsEtc: file.stringList('rpmostree', 'initramfs-etc', []),
    cliwrap: file.boolean('rpmostree', 'ex-cliwrap', false),
  };
}

/** True when the deployment cannot be the base commit itself: packages, overrides, a local initramfs or command wrappers. */
export function needsAssembly(origin: Origin): boolean {
  return hasPackageChanges(origin) || origin.regenerateInitramfs || origin.initramfsEtc.length > 0 || origin.cliwrap;
}

/** True when packages are layered, replaced or removed. */
export function hasPackageChanges(origin: Origin): boolean {
  return (
    origin.packages.length > 0 ||
    origin.localPackages.length > 0 ||
    origin.localFileOverrides.length > 0 ||
    origin.removals.length > 0 ||
    origin.localReplacements.length > 0 ||
    origin.remoteReplacements.length > 0
  );
}

/** The origin as a key file, with `baserefspec` instead of `refspec` as soon as there is something to assemble. */
export function originKeyFile(origin: Origin): KeyFile {
  const file = KeyFile.parse('');
  const { refspec } = origin;
  if (refspec !== undefined) {
    const key =
      refspec.kind === 'container' ? 'container-image-reference' : needsAssembly(origin) ? 'baserefspec' : 'refspec';
    file.setString('origin', key, formatRefspec(refspec));
  }
  if (origin.overrideCommit !== undefined) file.setString('origin', 'override-commit', origin.overrideCommit);
  if (origin.customOrigin !== undefined) {
    file.setString('origin', 'custom-url', origin.customOrigin.url);
    file.setString('origin', 'custom-description', origin.customOrigin.description);
  }
  const list = (group: string, key: string, values: readonly string[]): void => {
    if (values.length > 0) file.setStringList(group, key, values);
  };
  const local = (p: LocalPackage): string => `${p.sha256}:${p.nevra}`;
  list('packages', 'requested', origin.packages);
  list('packages', 'requested-local', origin.localPackages.map(local));
  list('packages', 'requested-local-fileoverride', origin.localFileOverrides.map(local));
  list('overrides', 'remove', origin.removals);
  list('overrides', 'replace-local', origin.localReplacements.map(local));
  list(
    'overrides',
    'replace',
    origin.remoteReplacements.map((r) => [r.source, ...r.names].join(',')),
  );
  if (origin.regenerateInitramfs) file.setBoolean('rpmostree', 'regenerate-initramfs', true);
  list('rpmostree', 'initramfs-args', origin.initramfsArgs);
  list('rpmostree', 'initramfs-etc', origin.initramfsEtc);
  if (origin.cliwrap) file.setBoolean('rpmostree', 'ex-cliwrap', true);
  return file;
}

export function formatOrigin(origin: Origin): string {
  return originKeyFile(origin).toString();
}

/** Same content, whatever the order of requests and overrides. */
export function originsEqual(a: Origin, b: Origin): boolean {
  const normal = (o: Origin): string =>
    formatOrigin({
      ...o,
      packages: [...o.packages].sort(),
      localPackages: [...o.localPackages].sort((x, y) => (x.nevra < y.nevra ? -1 : 1)),
      localFileOverrides: [...o.localFileOverrides].sort((x, y) => (x.nevra < y.nevra ? -1 : 1)),
      removals: [...o.removals].sort(),
      localReplacements: [...o.localReplacements].sort((x, y) => (x.nevra < y.nevra ? -1 : 1)),
      initramfsEtc: [...o.initramfsEtc].sort(),
    });
  return normal(a) === normal(b);
}

/** The origin as it follows its branch: no commit is chosen in its place. */
export function withoutOverrideCommit(origin: Origin): Origin {
  const { overrideCommit: _chosen, ...kept } = origin;
  return kept;
}
