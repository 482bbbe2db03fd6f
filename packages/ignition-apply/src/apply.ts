import { randomUUID } from 'node:crypto';
import { type Clock, CoppiceError, messageOf, systemClock } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { Fetcher } from '@coppice/http';
import {
  child,
  configSchema,
  entryLine,
  type Fields,
  list,
  marshalConfig,
  Report,
  specVersions,
  text,
  validateConfig,
} from '@coppice/ignition';
import { hostFs, readFile } from '@coppice/linux';
import { createNodes } from './nodes.ts';
import { Accounts } from './passwd/accounts.ts';
import { ensureGroup } from './passwd/groups.ts';
import { ensureUser } from './passwd/users.ts';
import { needsDisk } from './refusals.ts';
import { readConfig, renderConfig } from './render.ts';
import { Root } from './root.ts';
import type { FetchSource } from './source.ts';
import { createUnits } from './units.ts';

export interface ApplyOptions {
  readonly fs?: FileSystem;
  /** How `http` and `https` sources are had; by default over the network. */
  readonly fetch?: FetchSource;
  readonly clock?: Clock;
  /**
   * What to do with disks, arrays, LUKS volumes, file systems and kernel arguments, which a directory cannot give: `refuse`
   * (the default) or `skip`, when the caller sees to them.
   */
  readonly disks?: 'refuse' | 'skip';
  /**
   * Whether files can be given to others; default yes. Without, as where there is one user id only, owners stay what they are
   * and are not looked at.
   */
  readonly owners?: boolean;
  /** Identifies this provisioning in the result file. */
  readonly bootId?: string;
}

export interface ApplyReport {
  /** The config that was applied, with everything it refers to merged in, in the latest spec version. */
  readonly config: Fields;
  /** Paths within the root that were created or changed, which a caller with SELinux labels. */
  readonly touched: readonly string[];
  /** What was skipped because it needs a disk. */
  readonly skipped: readonly string[];
  /** Warnings about the config. */
  readonly warnings: readonly string[];
}

const latest = specVersions.length - 1;

/**
 * Carries out the files stage of an Ignition config on the tree at `root`: users and groups, then directories, files and
 * links, then units. Nothing is written outside `root`, whatever links the tree holds. `config` is the text of a config or
 * the bytes of one. Throws `Invalid` for a config that is not valid, `Unsupported` for what needs a disk, else the
 * original's texts such as `failed to create files: error creating /a: ...`.
 */
export async function applyIgnition(
  root: string,
  config: string | Uint8Array,
  options: ApplyOptions = {},
): Promise<ApplyReport> {
  const { fs = hostFs, clock = systemClock, fetch = networkFetch, disks = 'refuse', owners = true } = options;
  const bytes = typeof config === 'string' ? new TextEncoder().encode(config) : config;
  const rendered = await renderConfig(readConfig(bytes), fetch);
  const report = new Report();
  validateConfig(rendered, latest, report, 'next');
  if (report.fatal)
    throw new CoppiceError('Invalid', `config is not valid\n${report.entries.map(entryLine).join('\n')}`);
  const skipped = needsDisk(rendered);
  if (skipped.length > 0 && disks === 'refuse')
    throw new CoppiceError(
      'Unsupported',
      `the config needs a disk, but this is a directory:\n${skipped.map((line) => `  ${line}`).join('\n')}`,
      {
        data: { needs: skipped },
      },
    );
  const touched: string[] = [];
  const touch = (path: string): void => {
    touched.push(path);
  };
  const tree = new Root(root, fs, owners);
  const accounts = new Accounts(tree, clock);
  applyPasswd(child(rendered, 'passwd'), accounts, touch);
  await stage('failed to create files', () => createNodes(child(rendered, 'storage'), tree, accounts, fetch, touch));
  await stage('failed to create units', () => createUnits(list(child(rendered, 'systemd'), 'units'), tree, touch));
  writeResult(tree, clock, options.bootId ?? hostBootId(fs), touch);
  return { config: rendered, touched, skipped, warnings: report.entries.map(entryLine) };
}

function hostBootId(fs: FileSystem): string {
  try {
    return readFile('/proc/sys/kernel/random/boot_id', { fs, limit: 64 }).toString().trim();
  } catch {
    return randomUUID();
  }
}

async function stage(context: string, run: () => void | Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw named(context, error);
  }
}

function named(context: string, error: unknown): CoppiceError {
  const known = error instanceof CoppiceError;
  return new CoppiceError(known ? error.code : 'Io', `${context}: ${messageOf(error)}`, {
    cause: error,
    data: known ? { ...error.data } : {},
  });
}

function applyPasswd(passwd: Fields | undefined, accounts: Accounts, touch: (path: string) => void): void {
  for (const group of list(passwd, 'groups')) {
    try {
      ensureGroup(group, accounts);
    } catch (error) {
      throw named(`failed to create users/groups: failed to create group "${text(group, 'name')}"`, error);
    }
  }
  for (const user of list(passwd, 'users')) {
    try {
      ensureUser(user, accounts);
    } catch (error) {
      throw named(`failed to create users/groups: failed to create user "${text(user, 'name')}"`, error);
    }
    const home = accounts.user(text(user, 'name'))?.home;
    if (home !== undefined) touch(home);
  }
  if (passwd !== undefined) for (const file of ['passwd', 'shadow', 'group', 'gshadow']) touch(`/etc/${file}`);
}

/** When and how the tree was provisioned, as the original leaves it. */
function writeResult(tree: Root, clock: Clock, bootId: string, touch: (path: string) => void): void {
  const result = {
    provisioningBootID: bootId,
    provisioningDate: new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z'),
    userConfigProvided: true,
  };
  const path = tree.resolve('/etc/.ignition-result.json');
  tree.makeDirectories(tree.resolve('/etc', true));
  tree.writeFile(path, new TextEncoder().encode(`${JSON.stringify(result, null, 2)}\n`), 0o600);
  touch(path);
}

const networkFetch: FetchSource = async (url, { headers, maxSize }) => {
  const fetcher = new Fetcher({ userAgent: 'Ignition/2.26.0', headers });
  const { bytes } = await fetcher.bytes(url, { maxSize });
  return bytes;
};

/** Text of a config value in the latest spec version. */
export function configText(config: Fields): string {
  return marshalConfig(config, configSchema(latest), true);
}
