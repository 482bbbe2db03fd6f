// SIGKILL in the middle of install, rebase and rollback: the sysroot is in the old or the new state, the repository is clean
// for the original, and the next command works.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { followBootLoader } from '@coppice/instance';
import { Random } from '@coppice/lab';
import { removeTree } from '@coppice/linux';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingPrograms, Scene } from './scene.ts';

const reason = missingPrograms('bwrap', 'ostree');
const random = new Random(20200312);
/** Moments as thousandths of the usual duration, for each of the three commands. */
const moments = Array.from({ length: 7 }, () => random.below(1000));

const fulfilled = /^error: (Old and new refs are equal: |Package\/capability 'tcpdump' is already requested$)/m;

const commands = [
  { command: 'rpm-ostree install tcpdump', next: 'rpm-ostree install tcpdump' },
  {
    command: 'rpm-ostree rebase -b fedora:fedora/x86_64/coreos/testing',
    next: 'rpm-ostree rebase -b fedora:fedora/x86_64/coreos/testing',
  },
  { command: 'rpm-ostree rollback', next: 'rpm-ostree status' },
] as const;

describe.skipIf(reason !== undefined)(`killed ${reason ?? ''}`, () => {
  const scene = new Scene();
  let instances: string;
  beforeAll(async () => {
    await scene.lab();
    scene.create('m');
    // Two deployments, so that there is something to roll back to and to merge from.
    scene.mustInside('m', 'rpm-ostree install buildah');
    scene.reboot('m');
    instances = join(scene.stage.env['XDG_DATA_HOME']!, 'coppice/instances');
  });
  afterAll(() => scene.end());

  /** Runs `command` in a copy of the instance and kills everything after `ms`; returns whether it was still running. */
  function interrupted(name: string, command: string, ms: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const child = spawn('coppice', ['instance', 'exec', name, '--', 'sh', '-c', command], {
        cwd: scene.stage.dir,
        env: scene.stage.env,
        detached: true,
        stdio: 'ignore',
      });
      let killed = false;
      const timer = setTimeout(() => {
        try {
          process.kill(-child.pid!, 'SIGKILL');
          killed = true;
        } catch {} // It has ended meanwhile, and nobody has told yet.
      }, ms);
      child.on('error', reject);
      child.on('exit', () => {
        clearTimeout(timer);
        resolve(killed);
      });
    });
  }

  function copy(name: string): void {
    removeTree(join(instances, name));
    // Hard links and attributes matter: cp knows both.
    scene.must('cp', '-a', join(instances, 'm'), join(instances, name));
  }

  test.each(commands)('$command', async ({ command, next }) => {
    copy('timed');
    const begun = performance.now();
    scene.mustInside('timed', command);
    const usual = performance.now() - begun;
    const states = new Set<string>();
    copy('timed');
    const before = followBootLoader(scene.sysroot('timed'));
    for (const moment of moments) {
      copy('k');
      await interrupted('k', command, (usual * moment) / 1000);
      const sysroot = scene.sysroot('k');
      // A boot loader finds a whole system, whichever it is.
      const target = followBootLoader(sysroot);
      states.add(target.name === before.name ? 'old' : 'new');
      scene.must('/usr/bin/ostree', 'fsck', '-q', `--repo=${sysroot}/ostree/repo`);
      scene.must('/usr/bin/ostree', 'admin', 'status', `--sysroot=${sysroot}`);
      const again = scene.inside('k', next);
      // When the kill came after the last step, the request is fulfilled already, and that is what it says.
      if (again.status !== 0) expect(again.stderr).toMatch(fulfilled);
      scene.reboot('k');
      scene.mustInside('k', 'rpm-ostree status');
    }
    expect([...states].every((state) => state === 'old' || state === 'new')).toBe(true);
  });
});
