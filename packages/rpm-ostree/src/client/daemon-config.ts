// /etc/rpm-ostreed.conf and the update driver that an agent has registered.
import { mkdirSync, readFileSync } from 'node:fs';
import { CoppiceError } from '@coppice/base';
import { KeyFile } from '@coppice/keyfile';
import { readFile, replaceFile } from '@coppice/linux';
import type { SystemStatus } from '../status/model.ts';
import type { Client } from './client.ts';

export interface DaemonConfig {
  readonly automaticUpdatePolicy: SystemStatus['automaticUpdates'];
  /** Layering is refused. */
  readonly lockLayering: boolean;
  readonly recommends: boolean;
  readonly driver?: { readonly name: string; readonly unit: string; readonly state?: string };
}

const driverFile = 'run/rpm-ostree/update-driver.json';

function readText(client: Client, path: string): string | undefined {
  try {
    return readFile(path, { fs: client.fs, limit: 1 << 20 }).toString();
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT' || (error as { code?: string }).code === 'ENOTDIR')
      return undefined;
    throw error;
  }
}

/** Throws `Invalid` for an unknown policy. */
export function readDaemonConfig(client: Client): DaemonConfig {
  const { sysroot } = client;
  const deployment = sysroot.booted ?? client.deployments[0];
  const etc =
    sysroot.booted !== undefined
      ? '/etc'
      : deployment === undefined
        ? undefined
        : `${sysroot.deploymentPath(deployment)}/etc`;
  const text = etc === undefined ? undefined : readText(client, `${etc}/rpm-ostreed.conf`);
  const file = KeyFile.parse(text ?? '');
  const policy = file.string('Daemon', 'AutomaticUpdatePolicy', 'none').trim();
  const known: Record<string, SystemStatus['automaticUpdates']> = {
    none: 'none',
    off: 'none',
    check: 'check',
    'ex-stage': 'stage',
    stage: 'stage',
    apply: 'apply',
  };
  const automaticUpdatePolicy = Object.hasOwn(known, policy) ? known[policy] : undefined;
  if (automaticUpdatePolicy === undefined)
    throw new CoppiceError('Invalid', `Invalid value for AutomaticUpdatePolicy: '${policy}'`);
  const record = readText(client, sysroot.booted === undefined ? `${sysroot.path}/${driverFile}` : `/${driverFile}`);
  const driver = record === undefined ? undefined : (JSON.parse(record) as DaemonConfig['driver']);
  return {
    automaticUpdatePolicy,
    lockLayering: file.boolean('Daemon', 'LockLayering', false),
    recommends: file.boolean('Daemon', 'Recommends', true),
    ...(driver === undefined ? {} : { driver }),
  };
}

/** Records `name` as the agent that drives updates until the next boot. The systemd unit is that of the calling process. */
export function registerDriver(client: Client, name: string): void {
  const run = client.sysroot.booted === undefined ? `${client.sysroot.path}/run/rpm-ostree` : '/run/rpm-ostree';
  mkdirSync(run, { recursive: true });
  let unit = 'unknown';
  try {
    const match = /\/([^/\n]+\.service)(?:\/|$)/m.exec(readFileSync('/proc/self/cgroup', 'utf8'));
    if (match !== null) unit = match[1]!;
  } catch {}
  replaceFile(`${run}/update-driver.json`, Buffer.from(`${JSON.stringify({ name, unit, state: 'active' })}\n`), {
    fs: client.fs,
  });
}
