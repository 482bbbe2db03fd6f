// A plan against the deployment it foretells, and broken sysroots against what the check says.

import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import {
  checkSysroot,
  Deployment,
  deployTree,
  encodeStaged,
  Origin,
  planDeploy,
  Sysroot,
  simpleWriteDeployment,
} from '@coppice/sysroot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitFiles, makeSysroot, scratch, testEnv, tree } from './world.ts';

describe('plan and check', () => {
  let work: string;
  let path: string;
  let messages: string[];
  const open = (): Sysroot => Sysroot.open(path, { env: testEnv, onMessage: (text) => messages.push(text) });
  const deploy = (checksum: string): void => {
    const sysroot = open();
    const merge = sysroot.mergeDeployment('os');
    const fresh = deployTree(sysroot, 'os', checksum, Origin.fromRefspec('main'), { mergeDeployment: merge });
    simpleWriteDeployment(sysroot, fresh, { osname: 'os', merge });
  };

  beforeEach(() => {
    work = scratch();
    path = join(work, 's');
    messages = [];
    mkdirSync(path);
    makeSysroot(path, { env: testEnv });
  });
  afterEach(() => rmSync(work, { recursive: true, force: true }));

  it('foretells menu, kernel, swap and what becomes of /etc', () => {
    const { repo } = open();
    const one = commitFiles(repo, 'one', { ...tree, 'usr/etc/both': '1\n', 'usr/etc/gone': 'x\n' }, { version: '1' });
    const two = commitFiles(
      repo,
      'two',
      { ...tree, 'usr/etc/both': '2\n', 'usr/lib/modules/6.1/dtb/a/x.dtb': 'x', 'usr/lib/modules/6.1/dtb/b.dtb': 'b' },
      { version: '2' },
    );
    const three = commitFiles(repo, 'three', { ...tree, 'usr/bin/other': 'x\n' }, { version: '2' });
    const clash = commitFiles(repo, 'clash', { ...tree, 'usr/etc/mine/file': 'x\n' });
    for (const checksum of [one, two, three, two, one]) {
      const plan = planDeploy(open(), checksum, { osname: 'os' });
      const before = open();
      messages = [];
      deploy(checksum);
      const after = open();
      expect(plan.entries.map(({ checksum: sum, serial }) => `${sum}.${serial}`)).toEqual(
        after.deployments.map((d) => d.name),
      );
      expect(plan.kernel.bootChecksum).toBe(after.deployments[0]!.bootChecksum);
      expect(plan.bootSwap).toBe(before.bootVersion !== after.bootVersion);
      expect(plan.removed).toEqual(
        before.deployments.filter((d) => !after.deployments.some((e) => e.name === d.name)).map((d) => `os ${d.name}`),
      );
      const count = (change: string): number => plan.etc.filter((item) => item.change === change).length;
      if (plan.mergeFrom !== null)
        expect(messages[0]).toBe(
          `Copying /etc changes: ${count('modified')} modified, ${count('removed')} removed, ${count('added')} added`,
        );
      const etc = join(path, after.deployments[0]!.path, 'etc');
      writeFileSync(join(etc, 'both'), 'local\n');
      writeFileSync(join(etc, 'mine'), 'mine\n');
      rmSync(join(etc, 'gone'), { force: true });
    }
    const again = planDeploy(open(), two, { osname: 'os' });
    expect(again.etc).toContainEqual({ path: 'both', change: 'modified', outcome: 'kept-over-new-default' });
    expect(again.etc).toContainEqual({ path: 'mine', change: 'added', outcome: 'kept' });
    const stop = planDeploy(open(), clash, { osname: 'os' });
    expect(stop.etc).toContainEqual({ path: 'mine', change: 'added', outcome: 'fails' });
    expect(() => deploy(clash)).toThrow('During /etc merge');
    expect(planDeploy(open(), one, { osname: 'os', setArguments: ['a=1'] }).kernelArguments).toBe('a=1');
  });

  it('finds nothing wrong with a sysroot after any deployment', () => {
    expect(checkSysroot(path).map((finding) => finding.code)).toEqual(['no-deployments']);
    const { repo } = open();
    const one = commitFiles(repo, 'one', tree);
    for (let i = 0; i < 3; i++) {
      deploy(one);
      expect(checkSysroot(path, { deep: true })).toEqual([]);
    }
  });

  it('explains what is broken, where opening it only fails', () => {
    const { repo } = open();
    deploy(commitFiles(repo, 'one', tree));
    const codes = (): string[] =>
      checkSysroot(path, { deep: true }).map((finding) => `${finding.severity} ${finding.code}`);
    const sysroot = open();
    const boot = join(path, 'boot/ostree', readdirSync(join(path, 'boot/ostree'))[0]!);
    const broken = (change: () => void, restore: () => void, want: string[]): void => {
      change();
      expect(codes()).toEqual(want);
      restore();
      expect(codes()).toEqual([]);
    };
    const move = (from: string): [() => void, () => void] => [
      () => renameSync(from, join(work, 'aside')),
      () => renameSync(join(work, 'aside'), from),
    ];
    broken(...move(join(boot, 'vmlinuz-6.1')), ['fatal kernel-missing']);
    broken(...move(join(boot, 'initramfs-6.1.img')), ['fatal initramfs-missing']);
    broken(...move(join(path, 'boot/loader')), ['fatal loader-link']);
    broken(...move(join(path, `ostree/boot.${sysroot.bootVersion}`)), [
      'fatal boot-link',
      'fatal entry-link',
      'note leftover-deployment',
    ]);
    broken(...move(join(path, sysroot.deployments[0]!.path)), ['fatal deployment-missing']);
    broken(...move(join(path, `${sysroot.deployments[0]!.path}.origin`)), ['error origin-missing']);
    broken(...move(join(path, 'ostree/repo/refs/heads/ostree')), ['error ref-missing']);
    broken(
      () => symlinkSync('loader.0', join(path, 'boot/loader.tmp')),
      () => rmSync(join(path, 'boot/loader.tmp')),
      ['note half-swap'],
    );
  });

  it('sees a full /boot, staged deployments that are gone and configuration without labels', () => {
    const { repo } = open();
    const policy = 'usr/etc/selinux/targeted/contexts/files/file_contexts';
    const config = 'SELINUX=enforcing\nSELINUXTYPE=targeted\n';
    deploy(commitFiles(repo, 'one', { ...tree, 'usr/etc/selinux/config': config, [policy]: '/.* x\n' }));
    const codes = (options: Parameters<typeof checkSysroot>[1]): string[] =>
      checkSysroot(path, options).map((finding) => `${finding.severity} ${finding.code}`);
    const fs = (own: Partial<FileSystem>): FileSystem => Object.assign(Object.create(hostFs) as FileSystem, own);
    const labels = fs({
      getxattr: (at, name) => (name === 'security.selinux' ? Buffer.from('x') : hostFs.getxattr(at, name)),
    });
    expect(codes({ fs: labels })).toEqual([]);
    expect(codes({ fs: fs({ getxattr: () => undefined }) })).toEqual(['error etc-unlabeled']);
    const separate = (available: number): FileSystem =>
      Object.assign(Object.create(labels) as FileSystem, {
        stat: (at: string) => {
          const stat = hostFs.stat(at);
          return stat !== undefined && at === join(path, 'boot') ? { ...stat, dev: -1 } : stat;
        },
        usage: (at: string) => ({ ...hostFs.usage(at), available }),
      });
    expect(codes({ fs: separate(1000) })).toEqual([]);
    expect(codes({ fs: separate(10) })).toEqual(['error boot-full']);
    const run = join(work, 'run');
    mkdirSync(run);
    expect(codes({ fs: labels, run })).toEqual([]);
    const target = open().deployments[0]!.clone();
    const state = { merge: undefined, kernelArguments: undefined, overlayInitrds: undefined, locked: false };
    writeFileSync(join(run, 'staged-deployment'), encodeStaged({ ...state, target }, { lockInState: false }));
    expect(codes({ fs: labels, run })).toEqual([]);
    const gone = new Deployment({ ...target, deploySerial: 7 });
    writeFileSync(join(run, 'staged-deployment'), encodeStaged({ ...state, target: gone }, { lockInState: false }));
    expect(codes({ fs: labels, run })).toEqual(['error staged-missing']);
    writeFileSync(join(run, 'staged-deployment'), 'damaged');
    expect(codes({ fs: labels, run })).toEqual(['error staged-missing']);
  });
});
