// Commits, deployments and a disk image by ours only, booted in QEMU: the new deployment, the old one from the menu, and after
// the original removed the new one.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../scripts/build.ts';
import { bootSkipReason, bootTree, Machine, machineArguments } from './sysroot-machine.ts';

const title = bootSkipReason === undefined ? 'booting' : `booting: ${bootSkipReason}`;

describe.skipIf(bootSkipReason !== undefined)(title, () => {
  let work: string;
  let image: string;
  const dist = join(import.meta.dirname, '../../node_modules/.cache/interop-sysroot-boot');
  const versions: string[] = [];

  const ours = (program: string, ...args: string[]): string => {
    const result = spawnSync(process.execPath, [join(dist, 'main.cjs'), program, ...args], {
      encoding: 'utf8',
      cwd: work,
      env: { ...process.env, COPPICE_COMPAT: 'ostree=2022.7' },
    });
    if (result.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  };

  beforeAll(async () => {
    await bundle(dist);
    work = mkdtempSync(join(tmpdir(), 'coppice-boot-'));
    image = join(work, 'disk.raw');
    ours('ostree', 'init', '--repo=repo', '--mode=archive');
    spawnSync('cp', ['-a', bootTree!, join(work, 'tree')]);
    for (const version of ['1', '2']) {
      writeFileSync(join(work, 'tree/usr/bin/hello'), `#!/bin/sh\necho hello from version ${version}\n`);
      chmodSync(join(work, 'tree/usr/bin/hello'), 0o755);
      if (version === '2') writeFileSync(join(work, 'tree/usr/etc/v2.conf'), 'new default\n');
      const metadata = `--add-metadata-string=version=${version}`;
      versions.push(
        ours('ostree', 'commit', '--repo=repo', '-b', 'os', '-s', version, metadata, '--tree=dir=tree').trim(),
      );
    }
    const refs = [...versions].reverse().flatMap((sum) => ['--from', `${work}/repo:${sum}`]);
    const kargs = machineArguments.flatMap((word) => ['--karg', word]);
    ours('coppice', 'image', 'build', ...refs, ...kargs, '--os', 'debian', '-o', image);
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  async function visit(entry: number, body: (machine: Machine) => Promise<void>): Promise<void> {
    const machine = new Machine(image, entry);
    try {
      await machine.login();
      await body(machine);
      await machine.powerOff();
    } finally {
      machine.end();
    }
  }

  it('reaches a shell in the new deployment; the original there agrees', async () => {
    await visit(0, async (machine) => {
      expect(await machine.run('hello')).toContain('hello from version 2');
      expect(await machine.run('cat /etc/v2.conf')).toContain('new default');
      const status = await machine.run('ostree admin status');
      expect(status).toContain(`* debian ${versions[1]}.0`);
      expect(status).toContain(`debian ${versions[0]}.0 (rollback)`);
      expect(await machine.run('touch /x 2>&1; echo changed > /etc/local.conf; cat /etc/local.conf')).toMatch(
        /not permitted[\s\S]*changed/,
      );
    });
  });

  it('boots the old deployment from the menu, and the original removes the new one', async () => {
    await visit(1, async (machine) => {
      expect(await machine.run('hello; ls /etc/local.conf 2>&1')).toMatch(/version 1[\s\S]*No such file/);
      expect(await machine.run('ostree admin status')).toContain(`* debian ${versions[0]}.0`);
      expect(await machine.run('ostree admin undeploy 0 2>&1')).toContain(`Deleted deployment ${versions[1]}.0`);
    });
    await visit(0, async (machine) => {
      expect(await machine.run('hello')).toContain('hello from version 1');
    });
  });
});
