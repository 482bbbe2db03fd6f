// What was deployed when and by which command: one GVariant file per deployment below /var/lib/rpm-ostree/history, named by
// the change time of the deployment's directory.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Variant, VariantDict } from '@coppice/gvariant';
import { readFile, replaceFile } from '@coppice/linux';
import type { Deployment } from '@coppice/sysroot';
import { baseOf, versionOf } from '../commit-facts.ts';
import { formatRefspec } from '../refspec.ts';
import type { Client } from './client.ts';

export interface HistoryEntry {
  /** Seconds since the epoch. */
  readonly deployed: number;
  readonly commandLine: string;
  readonly osname: string;
  readonly checksum: string;
  readonly base: string;
  readonly version: string | undefined;
  readonly origin: string | undefined;
  readonly packages: readonly string[];
}

function historyDir(client: Client): string {
  return client.sysroot.booted?.osname === client.osname
    ? '/var/lib/rpm-ostree/history'
    : `${client.sysroot.path}/ostree/deploy/${client.osname}/var/lib/rpm-ostree/history`;
}

/** Records a new deployment. */
export function recordHistory(client: Client, deployment: Deployment): void {
  const stat = client.fs.stat(client.sysroot.deploymentPath(deployment));
  if (stat === undefined) return;
  const commit = client.repo.loadCommit(deployment.checksum);
  const origin = client.origin(deployment);
  const dict = new VariantDict();
  dict.set('osname', Variant.string(deployment.osname));
  dict.set('checksum', Variant.string(deployment.checksum));
  dict.set('serial', new Variant('i', deployment.deploySerial));
  dict.set('base-checksum', Variant.string(baseOf(client.repo, deployment.checksum)));
  const version = versionOf(commit);
  if (version !== undefined) dict.set('version', Variant.string(version));
  dict.set('timestamp', Variant.uint64(commit.timestamp));
  if (origin.refspec !== undefined) dict.set('origin', Variant.string(formatRefspec(origin.refspec)));
  dict.set('packages', Variant.strings(commit.metadata.lookupStrings('rpmostree.packages') ?? []));
  dict.set('command-line', Variant.string(client.commandLine));
  const dir = historyDir(client);
  mkdirSync(dir, { recursive: true });
  replaceFile(join(dir, String(Math.floor(stat.ctimeMs / 1000))), dict.encode(), { fs: client.fs });
}

/** Entries, the newest first. Files that are no history are passed over. */
export function readHistory(client: Client): HistoryEntry[] {
  const dir = historyDir(client);
  if (client.fs.stat(dir) === undefined) return [];
  const out: HistoryEntry[] = [];
  for (const name of readdirSync(dir)) {
    if (!/^\d+$/.test(name)) continue;
    const dict = VariantDict.decode(readFile(join(dir, name), { fs: client.fs, limit: 1 << 20 }));
    const checksum = dict.lookupString('checksum');
    if (checksum === undefined) continue;
    out.push({
      deployed: Number(name),
      commandLine: dict.lookupString('command-line') ?? '',
      osname: dict.lookupString('osname') ?? '',
      checksum,
      base: dict.lookupString('base-checksum') ?? checksum,
      version: dict.lookupString('version'),
      origin: dict.lookupString('origin'),
      packages: dict.lookupStrings('packages') ?? [],
    });
  }
  return out.sort((a, b) => b.deployed - a.deployed);
}

/** Keeps the newest entries. */
export function pruneHistory(client: Client, keep = 200): void {
  for (const entry of readHistory(client).slice(keep))
    rmSync(join(historyDir(client), String(entry.deployed)), { force: true });
}
