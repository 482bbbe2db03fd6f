// A merged treefile as typed values with the defaults of its edition.
import { CoppiceError } from '@coppice/base';
import type { Plain, TreefileDocument } from './document.ts';

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
  readonly selinux: boolean;
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
  /** Where copies of the kernel are: `new` for old versions of libostree, `both` also in /boot. */
  readonly bootLocation: 'new' | 'both' | 'modules' | 'kernel-install';
  readonly tmpIsDir: boolean;
  readonly optUsrlocal: 'var' | 'root' | 'state-overlay';
  readonly machineidCompat: boolean;
  readonly initramfsArgs: readonly string[];
  readonly noInitramfs: boolean;
  readonly readonlyExecutables: boolean;
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
  /** What is asked for and cannot be done yet, as `KEY: VALUE`. */
  readonly unbuilt: readonly string[];
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

/** Values of a treefile that a tree is not made by yet; others of the same keys are the default or need nothing. */
const unbuiltValues: Readonly<Record<string, (value: Plain) => boolean>> = {
  ima: (value) => value === true,
  cliwrap: (value) => value === true,
  'cliwrap-binaries': (value) => Array.isArray(value) && value.length > 0,
  rpmdb: (value) => value === 'host',
  'boot-location': (value) => value === 'kernel-install',
};

function unbuiltOf(doc: TreefileDocument): string[] {
  return Object.entries(unbuiltValues).flatMap(([key, asks]) => {
    const value = doc[key];
    return value !== undefined && asks(value) ? [`${key}: ${JSON.stringify(value)}`] : [];
  });
}

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
  const edition = pick(text('edition'), ['2014', '2024'] as const, '2014', 'edition');
  const newer = edition === '2024';
  const machineidCompat = flag('machineid-compat', !newer);
  const units = strings('units');
  if (!machineidCompat && units.length > 0)
    throw new CoppiceError('Invalid', "'units' directive is incompatible with machineid-compat = false");
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
    return { repo: row['repo'], packages: row['packages'].map(String) };
  });
  return {
    ref: text('ref'),
    releasever: text('releasever'),
    repos: strings('repos'),
    lockfileRepos: strings('lockfile-repos'),
    packages: strings('packages'),
    repoPackages,
    excludePackages: strings('exclude-packages'),
    recommends: flag('recommends', true),
    documentation: flag('documentation', true),
    selinux: flag('selinux', true),
    container: flag('container', false),
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
    tmpIsDir: flag('tmp-is-dir', newer),
    optUsrlocal: pick(text('opt-usrlocal'), ['var', 'root', 'state-overlay'] as const, 'var', 'opt-usrlocal'),
    machineidCompat,
    initramfsArgs: strings('initramfs-args'),
    noInitramfs: flag('no-initramfs', false),
    readonlyExecutables: flag('readonly-executables', newer),
    etcGroupMembers: strings('etc-group-members'),
    preservePasswd: flag('preserve-passwd', true),
    checkPasswd: userCheck(doc['check-passwd']),
    checkGroups: userCheck(doc['check-groups']),
    ignoreRemovedUsers: strings('ignore-removed-users'),
    ignoreRemovedGroups: strings('ignore-removed-groups'),
    mutateOsRelease: text('mutate-os-release'),
    versionPrefix: text('automatic-version-prefix'),
    versionSuffix: text('automatic-version-suffix') ?? '.',
    commitMetadata: {
      ...(doc['metadata'] as Record<string, Plain> | undefined),
      ...(doc['add-commit-metadata'] as Record<string, Plain> | undefined),
    },
    repoMetadata: pick(text('repo-metadata'), ['inline', 'detached', 'disabled'] as const, 'inline', 'repo-metadata'),
    advisoriesMetadata: pick(
      text('advisories-metadata'),
      ['inline', 'detached', 'disabled'] as const,
      'inline',
      'advisories-metadata',
    ),
    unbuilt: unbuiltOf(doc),
  };
}
