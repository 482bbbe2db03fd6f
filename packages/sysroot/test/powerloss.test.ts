// Power loss at any point of a deployment, a finalization or a cleanup: what a boot loader and an initramfs find is the old
// system or the new one, whole.

import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import {
  BootConfig,
  cleanupSysroot,
  deployTree,
  directoryHost,
  finalizeStaged,
  Origin,
  parseBootLink,
  Sysroot,
  simpleWriteDeployment,
  stageTree,
  strverscmp,
  undeploy,
} from '@coppice/sysroot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Change, durable, Replay, recordingFs, restore } from './recorder.ts';
import { commitFiles, makeSysroot, scratch, testEnv, tree } from './world.ts';

/** What is in a tree: names, types, modes and content. */
function fingerprint(root: string): string {
  const hash = createHash('sha256');
  const walk = (path: string): void => {
    const stat = lstatSync(path);
    hash.update(`${path.slice(root.length)} ${stat.mode.toString(8)}\n`);
    const type = stat.mode & 0o170000;
    if (type === 0o120000) hash.update(readlinkSync(path));
    else if (type === 0o100000) hash.update(readFileSync(path));
    else if (type === 0o040000) for (const name of readdirSync(path).sort()) walk(`${path}/${name}`);
  };
  walk(root);
  return hash.digest('hex');
}

/**
 * Follows the chain as the machine does: the boot loader takes the entry with the highest version below `boot/loader` and
 * loads its kernel and initramfs; prepare-root resolves `ostree=`. Returns the deployment's name and its fingerprint.
 */
function boots(sysroot: string): { name: string; print: string } {
  const loader = readlinkSync(join(sysroot, 'boot/loader'));
  expect(loader).toMatch(/^loader\.[01]$/);
  const directory = join(sysroot, 'boot', loader, 'entries');
  const entries = readdirSync(directory)
    .filter((name) => name.endsWith('.conf'))
    .map((name) => BootConfig.parse(readFileSync(join(directory, name), 'utf8')));
  const first = entries.sort((a, b) => -strverscmp(a.get('version')!, b.get('version')!))[0]!;
  const link = first
    .get('options')!
    .split(' ')
    .find((word) => word.startsWith('ostree='))!
    .slice('ostree='.length);
  const { bootChecksum } = parseBootLink(link);
  const images = createHash('sha256')
    .update(readFileSync(join(sysroot, 'boot', first.get('linux')!)))
    .update(readFileSync(join(sysroot, 'boot', first.get('initrd')!)))
    .digest('hex');
  expect(images).toBe(bootChecksum);
  const target = readlinkSync(join(sysroot, link));
  const deployment = join(sysroot, 'ostree/boot.0.0/os/sum', target).replace(
    /^.*\/ostree\/deploy/,
    `${sysroot}/ostree/deploy`,
  );
  return { name: deployment.slice(sysroot.length), print: fingerprint(deployment) };
}

/** Every prefix of the changes, then seeded variants in which what no barrier covers may be missing. */
function survey(before: string, changes: readonly Change[], after: string, variants: number): void {
  const good = [boots(before), boots(after)].map((found) => JSON.stringify(found));
  const work = scratch();
  const judge = (root: string, about: string): void => {
    let found: string;
    try {
      found = JSON.stringify(boots(root));
    } catch (error) {
      throw new Error(`${about}: does not boot: ${String(error)}`);
    }
    expect(good, about).toContain(found);
  };
  try {
    restore(before, join(work, 'prefix'));
    const whole = new Replay(join(work, 'prefix'));
    changes.forEach((change, i) => {
      whole.apply(change);
      judge(
        join(work, 'prefix'),
        `after ${i + 1} of ${changes.length} changes (${change.call} ${change.paths.join(' ')})`,
      );
    });
    whole.end();
    let seed = 1;
    const random = (): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed / 2 ** 32;
    };
    for (let variant = 0; variant < variants; variant++) {
      const count = 1 + Math.floor(random() * changes.length);
      const keep = random();
      const sure = durable(changes, count);
      const root = join(work, `v${variant}`);
      restore(before, root);
      const part = new Replay(root);
      for (let i = 0; i < count; i++) if (sure[i] || random() < keep) part.apply(changes[i]!);
      part.end();
      judge(
        root,
        `variant ${variant}: ${count} changes, those without a barrier kept with probability ${keep.toFixed(2)}`,
      );
      rmSync(root, { recursive: true, force: true });
    }
    // A cleanup after the crash must work, whatever was left behind.
    const left = Sysroot.open(join(work, 'prefix'), { env: testEnv });
    cleanupSysroot(left);
    judge(join(work, 'prefix'), 'after the cleanup that follows');
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

describe('power loss', () => {
  let work: string;
  let path: string;
  let one: string;
  let two: string;
  let three: string;

  beforeEach(() => {
    work = scratch();
    path = join(work, 's');
    mkdirSync(path);
    const sysroot = makeSysroot(path, { env: testEnv });
    one = commitFiles(sysroot.repo, 'one', tree, { version: '1' });
    two = commitFiles(sysroot.repo, 'two', {
      ...tree,
      'usr/bin/new': 'new\n',
      'usr/lib/modules/6.1/vmlinuz': 'kernel 2\n',
    });
    three = commitFiles(
      sysroot.repo,
      'three',
      { ...tree, 'usr/bin/tool': 'three\n', 'usr/etc/added': 'x\n' },
      { version: '1' },
    );
    const first = deployTree(sysroot, 'os', one, Origin.fromRefspec('one'));
    simpleWriteDeployment(sysroot, first);
  });
  afterEach(() => rmSync(work, { recursive: true, force: true }));

  function record(
    body: (sysroot: Sysroot) => void,
    host?: (fs: typeof hostFs) => ReturnType<typeof directoryHost>,
  ): Change[] {
    const before = join(work, 'before');
    restore(path, before);
    const changes: Change[] = [];
    const fs = recordingFs(path, changes);
    const sysroot = Sysroot.open(path, { fs, env: testEnv, ...(host === undefined ? {} : { host: host(hostFs) }) });
    body(sysroot);
    expect(changes.length).toBeGreaterThan(20);
    return changes;
  }

  const deploy =
    (checksum: string, name: string) =>
    (sysroot: Sysroot): void => {
      const merge = sysroot.mergeDeployment('os');
      const fresh = deployTree(sysroot, 'os', checksum, Origin.fromRefspec(name), { mergeDeployment: merge });
      simpleWriteDeployment(sysroot, fresh, { osname: 'os', merge });
    };

  it('leaves the old or the new system during a deployment with another kernel', { timeout: 120_000 }, () => {
    survey(join(work, 'before'), record(deploy(two, 'two')), path, 60);
  });

  it('leaves the old or the new system when only the links of a boot version change', { timeout: 120_000 }, () => {
    deploy(three, 'three')(Sysroot.open(path, { env: testEnv }));
    const before = Sysroot.open(path, { env: testEnv }).bootVersion;
    const changes = record(deploy(one, 'one'));
    expect(Sysroot.open(path, { env: testEnv }).bootVersion).toBe(before);
    survey(join(work, 'before'), changes, path, 60);
  });

  it('leaves a system during undeploy', { timeout: 120_000 }, () => {
    deploy(two, 'two')(Sysroot.open(path, { env: testEnv }));
    const changes = record((sysroot) => undeploy(sysroot, sysroot.deployments[0]!));
    survey(join(work, 'before'), changes, path, 40);
  });

  it('leaves the old or the new system during finalization at shutdown', { timeout: 120_000 }, () => {
    const run = join(path, 'run/ostree');
    const host = (): ReturnType<typeof directoryHost> =>
      directoryHost({
        sysroot: path,
        deployment: Sysroot.open(path, { env: testEnv }).deployments.find((d) => !d.staged)!.path,
        run,
        varPath: join(path, 'ostree/deploy/os/var'),
      });
    const running = Sysroot.open(path, { env: testEnv, host: host() });
    stageTree(running, undefined, two, Origin.fromRefspec('two'), { mergeDeployment: running.booted });
    expect(running.staged?.checksum).toBe(two);
    const changes = record((sysroot) => expect(finalizeStaged(sysroot)).toBe(true), host);
    survey(join(work, 'before'), changes, path, 60);
  });
});
