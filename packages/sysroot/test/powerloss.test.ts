// Power loss at any point of a deployment, a finalization or a cleanup: what a boot loader and an initramfs find is the old
// system or the new one, whole.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import {
  cleanupSysroot,
  deployTree,
  directoryHost,
  finalizeStaged,
  Origin,
  Sysroot,
  simpleWriteDeployment,
  stageTree,
  undeploy,
} from '@coppice/sysroot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boots } from './boots.ts';
import { type Change, Replay, recordingFs, replayLossy, restore } from './recorder.ts';
import { commitFiles, makeSysroot, scratch, testEnv, tree } from './world.ts';

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
      const root = join(work, `v${variant}`);
      restore(before, root);
      replayLossy(root, changes, count, () => random() < keep);
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

  it('leaves the old or the new system during a deployment with another kernel', () => {
    survey(join(work, 'before'), record(deploy(two, 'two')), path, 60);
  });

  it('leaves the old or the new system when only the links of a boot version change', () => {
    deploy(three, 'three')(Sysroot.open(path, { env: testEnv }));
    const before = Sysroot.open(path, { env: testEnv }).bootVersion;
    const changes = record(deploy(one, 'one'));
    expect(Sysroot.open(path, { env: testEnv }).bootVersion).toBe(before);
    survey(join(work, 'before'), changes, path, 60);
  });

  it('leaves a system during undeploy', () => {
    deploy(two, 'two')(Sysroot.open(path, { env: testEnv }));
    const changes = record((sysroot) => undeploy(sysroot, sysroot.deployments[0]!));
    survey(join(work, 'before'), changes, path, 40);
  });

  it('leaves the old or the new system during finalization at shutdown', () => {
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
