import { CoppiceError } from '@coppice/base';
import type { KeyFile } from '@coppice/keyfile';
import { type RepoMode, repoModes } from '../codec/object-type.ts';
import type { OstreeCompat } from '../compat.ts';
import { parseTristate, type Tristate } from './tristate.ts';

/** What `config` says about local work, defaults filled in. */
export interface RepoSettings {
  readonly mode: RepoMode;
  readonly fsync: boolean;
  readonly perObjectFsync: boolean;
  readonly disableXattrs: boolean;
  readonly locking: boolean;
  readonly lockTimeoutSeconds: number;
  readonly tmpExpirySeconds: number;
  /** Free space that content written in a transaction must leave: percent of the file system, or bytes. */
  readonly minFreeSpace: { readonly percent: number } | { readonly bytes: number; readonly text: string };
  readonly collectionId: string | undefined;
  readonly parent: string | undefined;
  /** Where `find-remotes` looks when nothing else is said. */
  readonly defaultFinders: readonly RepoFinder[];
  readonly tombstoneCommits: boolean;
  /** Smallest payload that gets a payload link; undefined for never. */
  readonly payloadLinkThreshold: number | undefined;
  readonly enableUncompressedCache: boolean;
  readonly autoUpdateSummary: boolean;
  /** Deflate level of archive repositories, 1 to 9. */
  readonly zlibLevel: number;
  /** Whether objects are sealed with fs-verity: `maybe` where the file system can. */
  readonly verity: Tristate;
}

export type RepoFinder = 'config' | 'lan' | 'mount';

/** The string of `core.mode` for a mode. */
export function modeText(mode: RepoMode): string {
  return mode === 'archive' ? 'archive-z2' : mode;
}

/** The mode of a `core.mode` or `--mode` string; throws `Invalid mode 'x' in repository configuration`. */
export function parseMode(text: string): RepoMode {
  if (text === 'archive-z2') return 'archive';
  if ((repoModes as readonly string[]).includes(text)) return text as RepoMode;
  throw new CoppiceError('Invalid', `Invalid mode '${text}' in repository configuration`);
}

/** Reads `config`; throws `Invalid` where libostree refuses to open the repository. */
export function readSettings(config: KeyFile, compat: OstreeCompat): RepoSettings {
  const core = 'core';
  const version = config.getString(core, 'repo_version');
  if (version !== '1') throw new CoppiceError('Invalid', `Invalid repository version '${version}'`);
  if (config.boolean(core, 'archive', false)) {
    throw new CoppiceError(
      'Unsupported',
      'This version of OSTree no longer supports "archive" repositories; use archive-z2 instead',
    );
  }
  const text = (key: string): string | undefined =>
    config.hasKey(core, key) ? config.getString(core, key) : undefined;
  const threshold = integerText(text('payload-link-threshold'), -1);
  const level = config.hasGroup('archive') ? integerText(rawText(config, 'archive', 'zlib-level'), 6) : 6;
  const out: RepoSettings = {
    mode: parseMode(text('mode') ?? 'bare'),
    fsync: config.boolean(core, 'fsync', true),
    perObjectFsync: config.boolean(core, 'per-object-fsync', false),
    disableXattrs: config.boolean(core, 'disable-xattrs', false),
    locking: config.boolean(core, 'locking', true),
    lockTimeoutSeconds: integerText(text('lock-timeout-secs'), 300),
    tmpExpirySeconds: integerText(text('tmp-expiry-secs'), 86400),
    minFreeSpace: minFreeSpace(text('min-free-space-size'), text('min-free-space-percent'), compat),
    collectionId: text('collection-id'),
    // An empty one is none.
    parent: text('parent') || undefined,
    defaultFinders: readFinders(config),
    // These two are read when they are needed, and only then found wrong.
    get tombstoneCommits() {
      return config.boolean(core, 'tombstone-commits', false);
    },
    payloadLinkThreshold: threshold < 0 ? undefined : threshold,
    enableUncompressedCache: config.boolean(core, 'enable-uncompressed-cache', true),
    get autoUpdateSummary() {
      return config.boolean(core, 'auto-update-summary', false) || config.boolean(core, 'commit-update-summary', false);
    },
    zlibLevel: Math.min(9, Math.max(1, level)),
    verity: readVerity(config, compat.verityGroups),
  };
  checkOthers(config);
  checkBooting(config, compat);
  return out;
}

/** Keys that are used elsewhere, and keep a repository from being opened when they are wrong. */
function checkOthers(config: KeyFile): void {
  config.boolean('core', 'add-remotes-config-dir', true);
}

function readFinders(config: KeyFile): RepoFinder[] {
  const text = rawText(config, 'core', 'default-repo-finders')?.replace(/;$/, '') ?? 'config;mount';
  if (text === '') throw new CoppiceError('Invalid', 'Invalid empty default-repo-finders configuration');
  return text.split(';').map((finder) => {
    if (finder === 'config' || finder === 'lan' || finder === 'mount') return finder;
    throw new CoppiceError('Invalid', `Invalid configured repo-finder '${finder}'`);
  });
}

function checkBooting(config: KeyFile, compat: OstreeCompat): void {
  const group = 'sysroot';
  const loader = rawText(config, group, 'bootloader') ?? 'auto';
  if (!['auto', 'none', 'grub2', 'syslinux', 'uboot', 'zipl', 'aboot'].includes(loader))
    throw new CoppiceError('Invalid', `Invalid bootloader configuration: '${loader}'`);
  const exceptions = config.hasGroup(group) ? config.stringList(group, 'bls-append-except-default', []) : [];
  if (exceptions.some((one) => !one.includes('='))) {
    const form = '"key1=value1;key2=value2..."';
    throw new CoppiceError('Invalid', `bls-append-except-default key must be of the form ${form}`);
  }
  if (!compat.checksMoreKeys) return;
  config.boolean(group, 'bootprefix', false);
  const tries = rawText(config, group, 'boot-counting-tries');
  if (tries === undefined) return;
  const problem = !/^[0-9]+$/.test(tries)
    ? `“${tries}” is not an unsigned number`
    : Number(tries) > 5
      ? `Number “${tries}” is out of bounds [0, 5]`
      : undefined;
  if (problem !== undefined) throw new CoppiceError('Invalid', `Parsing sysroot.boot-counting-tries: ${problem}`);
}

function rawText(config: KeyFile, group: string, key: string): string | undefined {
  return config.hasKey(group, key) ? config.getString(group, key) : undefined;
}

/** As `g_ascii_strtoll`: leading digits count, anything else is 0. */
function integerText(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const match = /^\s*([+-]?[0-9]+)/.exec(text);
  return match === null ? 0 : Number(match[1]);
}

function tristate(config: KeyFile, group: string, key: string, fallback: Tristate): Tristate {
  const text = rawText(config, group, key);
  return text === undefined ? fallback : parseTristate(text);
}

function readVerity(config: KeyFile, groups: OstreeCompat['verityGroups']): Tristate {
  for (const group of groups) {
    let wanted: Tristate = 'no';
    if (group === 'ex-integrity') {
      // Where deployments are to be composefs, files are sealed when that is possible.
      const composefs = tristate(config, group, 'composefs', 'no');
      wanted = tristate(config, group, 'fsverity', composefs === 'no' ? 'no' : 'maybe');
    } else if (config.boolean(group, 'required', false)) wanted = 'yes';
    else if (config.boolean(group, 'opportunistic', false)) wanted = 'maybe';
    if (wanted !== 'no') return wanted;
  }
  return 'no';
}

const units: Readonly<Record<string, number>> = { MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

/** As `g_ascii_strtoull` whose result goes into 32 bits. */
function percentage(text: string): number {
  const match = /^\s*([+-]?)([0-9]+)/.exec(text);
  if (match === null) return 0;
  const most = 2n ** 64n - 1n;
  const value = BigInt(match[2]!) > most ? most : BigInt(match[1] === '-' ? `-${match[2]}` : match[2]!);
  return Number(BigInt.asUintN(32, value));
}

function minFreeSpace(
  size: string | undefined,
  percent: string | undefined,
  compat: OstreeCompat,
): RepoSettings['minFreeSpace'] {
  if (size !== undefined) {
    const match = /^([0-9]+)([GMT]B)$/.exec(size);
    const bytes = match === null ? Number.NaN : Number(match[1]) * units[match[2]!]!;
    // In MiB it must fit into 64 bits.
    if (!(bytes < 2 ** 84)) {
      throw new CoppiceError(
        'Invalid',
        `Invalid min-free-space-size '${size}': It should be of the format '123MB', '123GB' or '123TB'`,
      );
    }
    return { bytes, text: `${BigInt(bytes) >> 20n}MB` };
  }
  if (percent === undefined) return { percent: 3 };
  if (compat.checksMoreKeys && !/^\s*[0-9]*$/.test(percent))
    throw new CoppiceError('Invalid', `Invalid min-free-space-percent '${percent}': must be a number`);
  const value = percentage(percent);
  if (value > 99) throw new CoppiceError('Invalid', `Invalid min-free-space-percent '${percent}'`);
  return { percent: value };
}
