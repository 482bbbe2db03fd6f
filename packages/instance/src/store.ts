// Where instances live: one folder each, with a small JSON record, the physical root and what one boot leaves behind.
//   NAME/instance.json   the record below
//   NAME/sysroot/        the physical root: ostree/, boot/
//   NAME/run/ NAME/tmp/  /run and /tmp of the current boot; emptied at reboot

import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { hostFs, readFile, removeTree, replaceFile } from '@coppice/linux';

/** How owners are kept: `bare` in a namespace with many ids (root, or a subordinate range), `bare-user` inside the objects. */
export type StorageKind = 'bare' | 'bare-user';

export interface InstanceRecord {
  readonly version: 1;
  readonly name: string;
  readonly stream: string;
  readonly stateroot: string;
  readonly storage: StorageKind;
  /** True when the files belong to a subordinate id range and every access re-enters that namespace. */
  readonly subordinate: boolean;
  /** `STATEROOT/CHECKSUM.SERIAL` of the deployment that is booted. */
  readonly booted: string;
  readonly boots: number;
  /** Where the content came from. */
  readonly source: string;
}

export interface Instance {
  readonly record: InstanceRecord;
  readonly dir: string;
  readonly sysroot: string;
  readonly run: string;
  readonly tmp: string;
}

/** `$XDG_DATA_HOME/coppice` or `~/.local/share/coppice`. */
export function dataHome(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const base = env['XDG_DATA_HOME'];
  if (base?.startsWith('/')) return join(base, 'coppice');
  return join(env['HOME'] ?? homedir(), '.local/share/coppice');
}

export function instancesDir(home: string = dataHome()): string {
  return join(home, 'instances');
}

/** Throws `Invalid` unless `name` is letters, digits, `-`, `_`, `.`, starting with a letter or digit, 64 at most. */
export function checkInstanceName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new CoppiceError(
      'Invalid',
      `Invalid instance name ${JSON.stringify(name)}: use up to 64 letters, digits, "-", "_" and ".", starting with a letter or digit`,
    );
  }
  return name;
}

function paths(dir: string, record: InstanceRecord): Instance {
  return { record, dir, sysroot: join(dir, 'sysroot'), run: join(dir, 'run'), tmp: join(dir, 'tmp') };
}

/** Makes the folder of a new instance and returns it; throws `Exists` when the name is taken. */
export function reserveInstance(name: string, home: string = dataHome()): string {
  const parent = instancesDir(home);
  mkdirSync(parent, { recursive: true, mode: 0o755 });
  const dir = join(parent, checkInstanceName(name));
  try {
    hostFs.mkdir(dir, 0o755);
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') {
      throw new CoppiceError(
        'Exists',
        `Instance ${name} exists already; delete it with: coppice instance delete ${name}`,
      );
    }
    throw errnoError(error, `mkdir(${dir})`);
  }
  return dir;
}

export function saveInstance(dir: string, record: InstanceRecord): Instance {
  replaceFile(join(dir, 'instance.json'), `${JSON.stringify(record, null, 2)}\n`);
  return paths(dir, record);
}

/** Throws `NotFound` with what to do, `Corrupt` when the record cannot be read. */
export function loadInstance(name: string, home: string = dataHome()): Instance {
  const dir = join(instancesDir(home), checkInstanceName(name));
  let text: string;
  try {
    text = readFile(join(dir, 'instance.json'), { limit: 65536 }).toString();
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') {
      throw new CoppiceError('NotFound', `No instance named ${name}; see: coppice instance list`);
    }
    throw errnoError(error, dir);
  }
  return paths(dir, parseRecord(text, join(dir, 'instance.json')));
}

function parseRecord(text: string, where: string): InstanceRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CoppiceError('Corrupt', `${where}: not JSON`, { cause: error });
  }
  const record = value as Partial<Record<keyof InstanceRecord, unknown>>;
  const strings = ['name', 'stream', 'stateroot', 'booted', 'source'] as const;
  const ok =
    typeof value === 'object' &&
    value !== null &&
    record.version === 1 &&
    strings.every((key) => typeof record[key] === 'string') &&
    (record.storage === 'bare' || record.storage === 'bare-user') &&
    typeof record.subordinate === 'boolean' &&
    typeof record.boots === 'number';
  if (!ok) throw new CoppiceError('Corrupt', `${where}: not an instance record of version 1`);
  return value as InstanceRecord;
}

/** All instances by name. Folders without a record (a creation that was cut short) are listed with `undefined`. */
export function listInstances(home: string = dataHome()): { name: string; instance: Instance | undefined }[] {
  const parent = instancesDir(home);
  if (hostFs.stat(parent) === undefined) return [];
  return hostFs
    .readdir(parent)
    .filter((name) => /^[A-Za-z0-9]/.test(name))
    .sort()
    .map((name) => {
      try {
        return { name, instance: loadInstance(name, home) };
      } catch {
        return { name, instance: undefined };
      }
    });
}

/** Removes an instance wholly, also one that was never finished. Throws `NotFound`. */
export function deleteInstance(name: string, home: string = dataHome()): void {
  const dir = join(instancesDir(home), checkInstanceName(name));
  if (hostFs.lstat(dir) === undefined)
    throw new CoppiceError('NotFound', `No instance named ${name}; see: coppice instance list`);
  removeTree(dir);
}
