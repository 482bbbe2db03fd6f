// A merged treefile as typed values with the defaults of its edition.
import { CoppiceError } from '@coppice/base';
import { type Plain, splitWords, type TreefileDocument } from './document.ts';

export interface AddedFile {
  readonly source: string;
  /** Absolute path in the tree. */
  readonly target: string;
}

export interface PackageRemoval {
  readonly package: string;
  /** Regular expressions on absolute paths; a match is not checked out. */
  readonly patterns: readonly string[];
}

export interface UserCheck {
  readonly type: 'none' | 'previous' | 'file' | 'data';
  readonly filename?: string;
  readonly entries?: Readonly<Record<string, Plain>>;
}

export interface Treefile {
  readonly ref: string | undefined;
  readonly releasever: string | undefined;
  readonly repos: readonly string[];
  readonly lockfileRepos: readonly string[];
  readonly packages: readonly string[];
  readonly repoPackages: readonly { readonly repo: string; readonly packages: readonly string[] }[];
  readonly excludePackages: readonly string[];
  readonly recommends: boolean;
  readonly documentation: boolean;
  /** Languages whose `%lang()` files are installed; empty for all. */
  readonly installLangs: readonly string[];
  readonly selinux: boolean;
  /** 1: files of /usr/etc get the labels of /etc whatever the policy says of /usr/etc. */
  readonly selinuxLabelVersion: 0 | 1;
  /** Signatures of files in packages become attributes. */
  readonly ima: boolean;
  /** `compose-forced`: accounts of sysusers.d are made even where the tree's rpm leaves that to boot. */
  readonly sysusers: 'compose-auto' | 'compose-forced';
  readonly repovars: Readonly<Record<string, string>>;
  readonly container: boolean;
  readonly containerCmd: readonly string[];
  readonly gpgKey: string | undefined;
  readonly layers: readonly string[];
  readonly overrideLayers: readonly string[];
  readonly removeFromPackages: readonly PackageRemoval[];
  readonly removeFiles: readonly string[];
  readonly addFiles: readonly AddedFile[];
  readonly postprocess: readonly string[];
  readonly postprocessScript: string | undefined;
  readonly units: readonly string[];
  readonly defaultTarget: string | undefined;
  /**
   * Where copies of the kernel are: `new` for old versions of libostree, `both` also in /boot. `kernel-install`: none, and the
   * kernel's own scripts make the initramfs.
   */
  readonly bootLocation: 'new' | 'both' | 'modules' | 'kernel-install';
  readonly tmpIsDir: boolean;
  readonly optUsrlocal: 'var' | 'root' | 'state-overlay';
  readonly machineidCompat: boolean;
  readonly initramfsArgs: readonly string[];
  readonly noInitramfs: boolean;
  readonly readonlyExecutables: boolean;
  /** Programs that are replaced by wrappers which call rpm-ostree; names of files. */
  readonly cliwrap: readonly string[];
  /** Whose format the package database has: that of the tree's rpm, or this machine's. */
  readonly rpmdb: 'target' | 'host';
  readonly rpmdbNormalize: boolean;
  /** Directories with programs that are run over the finished tree. */
  readonly finalizeDirs: readonly string[];
  readonly etcGroupMembers: readonly string[];
  /** Users of the previous commit keep their numbers. */
  readonly preservePasswd: boolean;
  readonly checkPasswd: UserCheck;
  readonly checkGroups: UserCheck;
  readonly ignoreRemovedUsers: readonly string[];
  readonly ignoreRemovedGroups: readonly string[];
  readonly mutateOsRelease: string | undefined;
  readonly versionPrefix: string | undefined;
  readonly versionSuffix: string;
  readonly commitMetadata: Readonly<Record<string, Plain>>;
  readonly repoMetadata: 'inline' | 'detached' | 'disabled';
  readonly advisoriesMetadata: 'inline' | 'detached' | 'disabled';
}

function pick<T extends string>(value: Plain | undefined, allowed: readonly T[], fallback: T, key: string): T {
  if (value === undefined) return fallback;
  if (!allowed.includes(value as T))
    throw new CoppiceError(
      'Invalid',
      `${key}: unknown variant \`${String(value)}\`, expected one of ${allowed.map((a) => `\`${a}\``).join(', ')}`,
    );
  return value as T;
}

const badTargets = /^\/?(usr\/(?!local(?:\/|$))|etc\/|bin\/|sbin\/|lib\/|lib64\/)/;

function userCheck(value: Plain | undefined): UserCheck {
  if (value === undefined || value === null || typeof value !== 'object' || Array.isArray(value))
    return { type: 'previous' };
  const type = pick(value['type'], ['none', 'previous', 'file', 'data'] as const, 'previous', 'type');
  const { filename, entries } = value;
  return {
    type,
    ...(typeof filename === 'string' ? { filename } : {}),
    ...(entries !== null && typeof entries === 'object' && !Array.isArray(entries) ? { entries } : {}),
  };
}

function labelVersion(value: Plain | undefined): 0 | 1 {
  if (value === undefined || value === 0) return 0;
  if (value === 1) return 1;
  throw new CoppiceError('Invalid', `selinux-label-version: unknown version ${String(value)}, expected 0 or 1`);
}

/** The programs of `cliwrap` and `cliwrap-binaries`. Only the list may name kernel-install, and nothing else. */
function wrapped(all: boolean, chosen: readonly string[]): string[] {
  for (const name of chosen)
    if (name !== 'kernel-install')
      throw new CoppiceError('Invalid', `cliwrap-binaries: unknown variant \`${name}\`, expected \`kernel-install\``);
  return [...(all ? ['rpm', 'dracut', 'grubby', 'yum', 'dnf'] : []), ...(chosen.length > 0 ? ['kernel-install'] : [])];
}

/** A package that several entries name is taken from the last one. */
function lastWins(entries: Treefile['repoPackages']): Treefile['repoPackages'] {
  const seen = new Set<string>();
  return [...entries]
    .reverse()
    .map(({ repo, packages }) => ({
      repo,
      packages: packages.filter((name) => !seen.has(name) && seen.add(name) !== undefined),
    }))
    .filter(({ packages }) => packages.length > 0)
    .reverse();
}

function checkPattern(pattern: string): void {
  try {
    new RegExp(pattern);
  } catch {
    throw new CoppiceError('Invalid', `remove-from-packages: invalid regular expression: ${pattern}`);
  }
}

/** Types the values; throws `Invalid` for shapes and combinations the original rejects. */
export function typeTreefile(doc: TreefileDocument): Treefile {
  const text = (key: string): string | undefined => doc[key] as string | undefined;
  const flag = (key: string, fallback: boolean): boolean => (doc[key] as boolean | undefined) ?? fallback;
  const strings = (key: string): string[] =>
    ((doc[key] as Plain[] | undefined) ?? []).map((v) => {
      if (typeof v !== 'string' && typeof v !== 'number')
        throw new CoppiceError('Invalid', `${key}: invalid type: expected a string`);
      return String(v);
    });
  const words = (value: Plain | undefined): Record<string, string> =>
    Object.fromEntries(
      Object.entries((value as Record<string, Plain> | undefined) ?? {}).map(([key, v]) => [key, String(v)]),
    );
  const removed = doc['override-remove'];
  if (removed !== undefined)
    throw new CoppiceError(
      'Unsupported',
      `the following derivation fields are not supported:\n${JSON.stringify({ 'override-remove': removed }, null, 2)}`,
    );
  const edition = pick(text('edition'), ['2014', '2024'] as const, '2014', 'edition');
  const newer = edition === '2024';
  const machineidCompat = flag('machineid-compat', !newer);
  const units = strings('units');
  if (!machineidCompat && units.length > 0)
    throw new CoppiceError('Invalid', "'units' directive is incompatible with machineid-compat = false");
  const container = flag('container', false);
  const suffix = text('automatic-version-suffix') ?? '.';
  if (!/^[!-~]$/.test(suffix))
    throw new CoppiceError('Invalid', `automatic-version-suffix: must be exactly one ASCII character: ${suffix}`);
  const addFiles = ((doc['add-files'] as Plain[] | undefined) ?? []).map((pair): AddedFile => {
    if (!Array.isArray(pair) || typeof pair[0] !== 'string' || typeof pair[1] !== 'string')
      throw new CoppiceError('Invalid', 'add-files: expected pairs of source and destination');
    if (!badTargets.test(pair[1])) throw new CoppiceError('Invalid', `Unsupported path in add-files: ${pair[1]}`);
    return { source: pair[0], target: pair[1].startsWith('/') ? pair[1] : `/${pair[1]}` };
  });
  const removeFromPackages = ((doc['remove-from-packages'] as Plain[] | undefined) ?? []).map((row): PackageRemoval => {
    if (!Array.isArray(row) || row.length < 2 || !row.every((w) => typeof w === 'string'))
      throw new CoppiceError('Invalid', 'remove-from-packages: expected [PACKAGE, REGEX...]');
    const [name, ...patterns] = row as string[];
    for (const pattern of patterns) checkPattern(pattern);
    return { package: name!, patterns };
  });
  const repoPackages = ((doc['repo-packages'] as Plain[] | undefined) ?? []).map((row) => {
    if (
      row === null ||
      typeof row !== 'object' ||
      Array.isArray(row) ||
      typeof row['repo'] !== 'string' ||
      !Array.isArray(row['packages'])
    )
      throw new CoppiceError('Invalid', 'repo-packages: expected {repo, packages}');
    return { repo: row['repo'], packages: row['packages'].flatMap((p) => splitWords(String(p))) };
  });
  return {
    ref: text('ref'),
    releasever: text('releasever'),
    repos: strings('repos'),
    lockfileRepos: strings('lockfile-repos'),
    packages: strings('packages'),
    repoPackages: lastWins(repoPackages),
    excludePackages: strings('exclude-packages'),
    recommends: flag('recommends', true),
    documentation: flag('documentation', true),
    installLangs: strings('install-langs'),
    selinux: flag('selinux', !container),
    selinuxLabelVersion: labelVersion(doc['selinux-label-version']),
    ima: flag('ima', false),
    sysusers: pick(text('sysusers'), ['compose-auto', 'compose-forced'] as const, 'compose-auto', 'sysusers'),
    repovars: words(doc['repovars']),
    container,
    containerCmd: strings('container-cmd'),
    gpgKey: text('gpg-key'),
    layers: strings('ostree-layers'),
    overrideLayers: strings('ostree-override-layers'),
    removeFromPackages,
    removeFiles: strings('remove-files'),
    addFiles,
    postprocess: strings('postprocess'),
    postprocessScript: text('postprocess-script'),
    units,
    defaultTarget: text('default-target'),
    bootLocation: pick(
      text('boot-location'),
      ['new', 'both', 'modules', 'kernel-install'] as const,
      newer ? 'modules' : 'new',
      'boot-location',
    ),
    tmpIsDir: flag('tmp-is-dir', newer || container),
    optUsrlocal: pick(
      text('opt-usrlocal') === 'stateoverlay' ? 'state-overlay' : text('opt-usrlocal'),
      ['var', 'root', 'state-overlay'] as const,
      flag('opt-usrlocal-overlays', false) ? 'state-overlay' : 'var',
      'opt-usrlocal',
    ),
    machineidCompat,
    initramfsArgs: strings('initramfs-args'),
    noInitramfs: flag('no-initramfs', false),
    readonlyExecutables: flag('readonly-executables', newer),
    cliwrap: wrapped(flag('cliwrap', false), strings('cliwrap-binaries')),
    rpmdb:
      pick(
        text('rpmdb')?.replace(/^b-d-b$/, 'bdb'),
        ['target', 'host', 'bdb', 'ndb', 'sqlite'] as const,
        'target',
        'rpmdb',
      ) === 'host'
        ? 'host'
        : 'target',
    rpmdbNormalize: flag('rpmdb-normalize', false),
    finalizeDirs: newer ? strings('finalize.d') : [],
    etcGroupMembers: strings('etc-group-members'),
    preservePasswd: flag('preserve-passwd', true),
    checkPasswd: userCheck(doc['check-passwd']),
    checkGroups: userCheck(doc['check-groups']),
    ignoreRemovedUsers: strings('ignore-removed-users'),
    ignoreRemovedGroups: strings('ignore-removed-groups'),
    mutateOsRelease: text('mutate-os-release'),
    versionPrefix: text('automatic-version-prefix'),
    versionSuffix: suffix,
    commitMetadata: { ...(doc['add-commit-metadata'] as Record<string, Plain> | undefined) },
    repoMetadata: pick(text('repo-metadata'), ['inline', 'detached', 'disabled'] as const, 'inline', 'repo-metadata'),
    advisoriesMetadata: pick(
      text('advisories-metadata'),
      ['inline', 'detached', 'disabled'] as const,
      'inline',
      'advisories-metadata',
    ),
  };
}
