import { mkdirSync, readdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Clock, CoppiceError, type Progress, silentProgress, systemClock } from '@coppice/base';
import { hostFs, removeTree } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import { armor, generateKey } from '@coppice/signing';
import { baseTreePackages } from './base-tree.ts';
import { LabDir, type LabRelease } from './lab-dir.ts';
import { makePackages } from './make-packages.ts';
import { publishDescription, publishSummary, releaseStream } from './release.ts';
import type { World } from './world.ts';

export interface MakeLabOptions {
  /** A root file system whose packages take the place of the world's layout, shell and os-release. */
  readonly baseTree?: string;
  readonly clock?: Clock;
  readonly progress?: Progress;
}

const seconds = (timestamp: string): number => Math.floor(Date.parse(timestamp) / 1000);

/**
 * Makes a lab in `dir`, which must not exist or be empty: packages, repository, a key, a signed commit per stream, the
 * archive repository with summary and signature. Needs neither root nor network. It appears in one step when complete.
 */
export async function makeLab(dir: string, world: World, options: MakeLabOptions = {}): Promise<LabDir> {
  const { progress = silentProgress, clock = systemClock } = options;
  const target = resolve(dir);
  const there = hostFs.stat(target);
  if (there !== undefined && (!((there.mode & 0o170000) === 0o040000) || readdirSync(target).length > 0)) {
    throw new CoppiceError('Exists', `${dir}: exists and is not an empty folder`);
  }
  mkdirSync(dirname(target), { recursive: true });
  const lab = new LabDir(join(dirname(target), `.${basename(target)}.${process.pid}.partial`));
  removeTree(lab.dir);
  try {
    mkdirSync(join(lab.dir, 'private'), { recursive: true, mode: 0o700 });
    mkdirSync(lab.packages, { recursive: true });
    writeFileSync(join(lab.dir, 'world.json'), `${JSON.stringify(world, null, 2)}\n`);
    // The key is older than anything it signs.
    const first = Math.min(...Object.values(world.streams).map((stream) => seconds(stream.timestamp)));
    const key = generateKey({
      userId: `${world.name} lab <lab@localhost>`,
      algorithm: 'rsa2048',
      created: Math.min(first, Math.floor(clock.now() / 1000)) - 86400,
    });
    writeFileSync(lab.secretKey, key.secretKey, { mode: 0o600 });
    writeFileSync(join(lab.www, 'key.asc'), armor('PUBLIC KEY BLOCK', key.publicKey));
    const made = await makePackages(lab.packages, world, {
      secretKey: key.secretKey,
      created: first,
      progress,
      ...(options.baseTree === undefined ? {} : { baseTree: baseTreePackages(options.baseTree, world.arch, first) }),
    });
    Repo.create(lab.repo, { mode: 'archive' });
    const streams: Record<string, LabRelease> = {};
    for (const [stream, { version, timestamp }] of Object.entries(world.streams)) {
      progress({ type: 'message', text: `Composing ${stream} ${version}` });
      streams[stream] = await releaseStream(lab, world, {
        stream,
        version,
        timestamp: seconds(timestamp),
        packages: made.base[stream]!,
        progress,
      });
    }
    publishSummary(lab);
    publishDescription(lab, world, streams);
    lab.save({ version: 1, streams });
    if (there !== undefined) rmdirSync(target);
    renameSync(lab.dir, target);
  } catch (error) {
    removeTree(lab.dir);
    throw error;
  }
  hostFs.syncDir(dirname(target));
  return new LabDir(target);
}
