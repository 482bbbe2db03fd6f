import { existsSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '@coppice/linux';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  bootedDirs,
  bootInstance,
  followBootLoader,
  hostTool,
  houseDir,
  instanceSandbox,
  loaderEntries,
  runCaptured,
  takeRebootRequest,
} from '../src/index.ts';
import { findProgram } from '../src/machine.ts';
import type { House } from '../src/sandbox.ts';
import type { Instance } from '../src/store.ts';
import { busybox, deployVersion, smallInstance, writeTree } from './small-system.ts';

const missing = [busybox, findProgram('bwrap') ?? '/usr/bin/bwrap'].filter((path) => !existsSync(path));
// The commands run from source inside; what a boot does there is theirs.
const repository = join(import.meta.dirname, '../../..');
const house: House = {
  node: process.execPath,
  main: ['--conditions=source', `${houseDir}/packages/coppice/src/main.ts`],
  binds: { packages: join(repository, 'packages'), node_modules: join(repository, 'node_modules') },
  programs: ['coppice', 'ostree'],
};

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'coppice-instance-'));
});
afterEach(() => {
  removeTree(dir);
});

function run(
  instance: Instance,
  command: string,
  tools: string[] = [],
): { status: number; stdout: string; stderr: string } {
  return runCaptured(
    instanceSandbox(instance, house, ['sh', '-c', command], { tools: tools.map((path) => hostTool(path)) }),
  );
}

describe.skipIf(missing.length > 0 && process.env['CI'] === undefined)(
  `an instance of a small system (needs ${missing.join(', ')})`,
  () => {
    test.each(['bare', 'bare-user'] as const)('boots and runs programs with the deployment as / (%s)', (storage) => {
      writeTree(join(dir, 'tree1'), '1');
      let instance = smallInstance(join(dir, 'i'), storage);
      deployVersion(instance, join(dir, 'tree1'), '1');
      instance = bootInstance(instance, { house });
      const { root } = bootedDirs(instance);
      const { dev, ino } = statSync(root);
      expect(run(instance, 'stat -c "%d %i" /').stdout).toBe(`${dev} ${ino}\n`);
      const usr = statSync(join(root, 'usr'));
      expect(run(instance, 'stat -c "%d %i" /usr /sysroot/ostree/boot.[01]/small/*/0/usr').stdout).toBe(
        `${usr.dev} ${usr.ino}\n`.repeat(2),
      );
      expect(run(instance, 'touch /usr/x').stderr).toContain('Read-only file system');
      expect(run(instance, 'touch /x').stderr).toContain('Read-only file system');
      expect(run(instance, 'echo a > /etc/a && echo b > /var/b && cat /etc/a /var/b && cat /etc/version').stdout).toBe(
        'a\nb\n1\n',
      );
      expect(run(instance, 'echo kept > /tmp/t; echo $HOME $PATH')).toMatchObject({ status: 0 });
      expect(run(instance, 'cat /tmp/t').stdout).toBe('kept\n');
      expect(run(instance, 'exit 7').status).toBe(7);
      const systemctl = run(instance, 'systemctl status x');
      expect(systemctl.status).toBe(1);
      expect(systemctl.stderr).toContain('needs a running system');

      writeTree(join(dir, 'tree2'), '2');
      deployVersion(instance, join(dir, 'tree2'), '2');
      expect(run(instance, 'cat /usr/etc/version').stdout).toBe('1\n');
      expect(run(instance, 'systemctl reboot').status).toBe(0);
      expect(takeRebootRequest(instance)).toBe(true);
      expect(takeRebootRequest(instance)).toBe(false);
      instance = bootInstance(instance, { house });
      expect(instance.record.boots).toBe(2);
      expect(run(instance, 'cat /usr/etc/version; cat /tmp/t; cat /var/b').stdout).toBe('2\nb\n');
    });

    test('a program of the host sees the booted deployment', () => {
      writeTree(join(dir, 'tree1'), '1');
      let instance = smallInstance(join(dir, 'i'), 'bare');
      deployVersion(instance, join(dir, 'tree1'), '1');
      instance = bootInstance(instance, { house });
      const original = findProgram('ostree', '/usr/bin');
      if (original === undefined && process.env['CI'] === undefined) return;
      const status = run(instance, 'ostree admin status', ['/usr/bin/ostree']);
      expect(status.stdout).toMatch(/^\* small [0-9a-f]{64}\.0\n {4}origin refspec: small\n/);
    });

    test('every broken link of the boot chain is told', () => {
      writeTree(join(dir, 'tree1'), '1');
      const instance = smallInstance(join(dir, 'i'), 'bare');
      expect(() => followBootLoader(instance.sysroot)).toThrow('No such file or directory');
      deployVersion(instance, join(dir, 'tree1'), '1');
      const target = followBootLoader(instance.sysroot);
      expect(target.osname).toBe('small');
      expect(target.options).toMatch(/^quiet ostree=\/ostree\/boot\.[01]\/small\/[0-9a-f]{64}\/0$/);
      expect(() => followBootLoader(instance.sysroot, 1)).toThrow('no entry 1');
      const kernel = loaderEntries(instance.sysroot)[0]!.get('linux')!;
      removeTree(join(instance.sysroot, 'boot', kernel));
      expect(() => followBootLoader(instance.sysroot)).toThrow(`${kernel} is missing`);
      writeFileSync(join(instance.sysroot, 'boot', kernel), '');
      removeTree(target.root);
      expect(() => followBootLoader(instance.sysroot)).toThrow('is missing');
    });
  },
);
