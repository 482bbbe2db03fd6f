// A sysroot of mode bare-user, made and changed without root.

import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { FileSystem, FsUsage } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import {
  bootComplete,
  cleanupSysroot,
  deploymentStatus,
  deployTree,
  directoryHost,
  finalizeStaged,
  initStateroot,
  Origin,
  Sysroot,
  type SysrootLevel,
  setDefault,
  setFinalizationLocked,
  setKernelArguments,
  setPinned,
  simpleWriteDeployment,
  stageTree,
  statusText,
  undeploy,
} from '@coppice/sysroot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitFiles, makeSysroot, scratch, testEnv, tree } from './world.ts';

describe('a sysroot', () => {
  let work: string;
  let path: string;
  let one: string;
  let two: string;
  const messages: string[] = [];
  const open = (level: SysrootLevel = '2026.4'): Sysroot =>
    Sysroot.open(path, { env: testEnv, compat: level, onMessage: (text) => messages.push(text) });

  beforeEach(() => {
    work = scratch();
    path = join(work, 's');
    mkdirSync(path);
    messages.length = 0;
    const { repo } = makeSysroot(path, { env: testEnv });
    one = commitFiles(repo, 'main', tree, { version: '1.0' });
    two = commitFiles(repo, 'next', { ...tree, 'usr/lib/modules/6.1/vmlinuz': 'kernel 2\n', 'usr/etc/added': 'new\n' });
  });
  afterEach(() => rmSync(work, { recursive: true, force: true }));

  const deploy = (sysroot: Sysroot, checksum: string, kernelArguments?: readonly string[]): void => {
    const merge = sysroot.mergeDeployment('os');
    const fresh = deployTree(sysroot, 'os', checksum, Origin.fromRefspec('main'), {
      mergeDeployment: merge,
      kernelArguments,
    });
    simpleWriteDeployment(sysroot, fresh, { osname: 'os', merge });
  };

  it('deploys, merges /etc and rolls back', () => {
    const sysroot = open();
    expect(statusText(deploymentStatus(sysroot), { showLocked: true })).toBe('No deployments.\n');
    deploy(sysroot, one, ['root=LABEL=x', 'quiet']);
    expect(readlinkSync(join(path, 'boot/loader'))).toBe('loader.1');
    expect(readdirSync(join(path, 'boot/loader/entries'))).toEqual(['ostree-1.conf']);
    const first = sysroot.deployments[0]!;
    writeFileSync(join(path, first.path, 'etc/hosts'), 'mine\n');
    deploy(sysroot, two);
    expect(sysroot.deployments.map((d) => d.checksum)).toEqual([two, one]);
    const second = sysroot.deployments[0]!;
    expect(readFileSync(join(path, second.path, 'etc/hosts'), 'utf8')).toBe('mine\n');
    expect(readFileSync(join(path, second.path, 'etc/added'), 'utf8')).toBe('new\n');
    expect(second.options).toMatch(/^root=LABEL=x quiet ostree=\/ostree\/boot\.0\/os\/[0-9a-f]{64}\/0$/);
    expect(messages).toContain('Copying /etc changes: 1 modified, 0 removed, 0 added');
    expect(messages.at(-1)).toBe(
      'Bootloader updated; bootconfig swap: yes; bootversion: boot.0.1, deployment count change: 1',
    );
    setDefault(sysroot, sysroot.deployments[1]!);
    expect(sysroot.deployments.map((d) => d.checksum)).toEqual([one, two]);
    undeploy(sysroot, sysroot.deployments[1]!);
    expect(existsSync(join(path, second.path))).toBe(false);
    expect(sysroot.repo.listRefs('ostree').size).toBe(1);
  });

  it('changes only links when entries stay as they are', () => {
    const sysroot = open();
    deploy(sysroot, one);
    deploy(sysroot, one);
    const version = sysroot.bootVersion;
    deploy(sysroot, one);
    expect(sysroot.bootVersion).toBe(version);
    expect(messages.at(-1)).toBe(
      `Transaction complete; bootconfig swap: no; bootversion: boot.${version}.0, deployment count change: 0`,
    );
    expect(sysroot.deployments.map((d) => d.deploySerial)).toEqual([2, 1]);
  });

  it('pins, sets kernel arguments, and prints its state', () => {
    const sysroot = open('2022.7');
    deploy(sysroot, one);
    setPinned(sysroot, sysroot.deployments[0]!, true);
    setKernelArguments(sysroot, sysroot.deployments[0]!, ['a=1', 'b']);
    expect(sysroot.deployments[0]!.options).toMatch(/^a=1 b ostree=/);
    expect(readdirSync(join(path, 'boot/loader/entries'))).toEqual(['ostree-1-os.conf']);
    expect(statusText(deploymentStatus(sysroot), { showLocked: false })).toBe(
      `  os ${one}.0\n    Version: 1.0\n    Pinned: yes\n    origin refspec: main\n`,
    );
  });

  it('stages on a booted system and finalizes at shutdown', () => {
    deploy(open(), one);
    const run = join(work, 'run');
    const booted = open().deployments[0]!;
    const host = directoryHost({ sysroot: path, deployment: booted.path, run });
    const sysroot = Sysroot.open(path, { env: testEnv, host });
    expect(sysroot.booted?.checksum).toBe(one);
    expect(() => undeploy(sysroot, sysroot.booted!)).toThrow('Cannot undeploy currently booted deployment 0');
    stageTree(sysroot, undefined, two, Origin.fromRefspec('next'), { mergeDeployment: sysroot.booted });
    expect(statusText(deploymentStatus(sysroot), { showLocked: true })).toBe(
      `  os ${two}.0 (staged)\n    origin refspec: next\n* os ${one}.0\n    Version: 1.0\n    origin refspec: main\n`,
    );
    writeFileSync(join(path, booted.path, 'etc/hosts'), 'late\n');
    setFinalizationLocked(sysroot, true);
    expect(finalizeStaged(Sysroot.open(path, { env: testEnv, host }))).toBe(false);
    setFinalizationLocked(sysroot, false);
    const shutdown = Sysroot.open(path, { env: testEnv, host });
    expect(finalizeStaged(shutdown)).toBe(true);
    expect(shutdown.deployments.map((d) => [d.checksum, d.staged])).toEqual([
      [two, false],
      [one, false],
    ]);
    expect(readFileSync(join(path, shutdown.deployments[0]!.path, 'etc/hosts'), 'utf8')).toBe('late\n');
    bootComplete(shutdown);
  });

  it('reports a finalization that failed, once, and keeps the old system', () => {
    deploy(open(), one);
    const booted = open().deployments[0]!;
    const host = directoryHost({ sysroot: path, deployment: booted.path, run: join(work, 'run') });
    const sysroot = Sysroot.open(path, { env: testEnv, host });
    const clash = commitFiles(sysroot.repo, 'clash', { ...tree, 'usr/etc/mine/file': 'x\n' });
    stageTree(sysroot, undefined, clash, Origin.fromRefspec('clash'), { mergeDeployment: sysroot.booted });
    writeFileSync(join(path, booted.path, 'etc/mine'), 'a file\n');
    expect(() => finalizeStaged(Sysroot.open(path, { env: testEnv, host }))).toThrow(
      "During /etc merge: Modified config file newly defaults to directory 'mine', cannot merge",
    );
    const after = Sysroot.open(path, { env: testEnv, host });
    expect(after.deployments.map((d) => d.checksum)).toEqual([one]);
    expect(() => bootComplete(after)).toThrow(
      'ostree-finalize-staged.service failed on previous boot: During /etc merge',
    );
    bootComplete(after);
  });

  it('fills /var of a new stateroot from the first tree only', () => {
    const { repo } = open();
    const withVar = commitFiles(repo, 'var', { ...tree, 'var/lib/seed': 'seed\n' });
    deploy(open(), withVar);
    const shared = join(path, 'ostree/deploy/os/var');
    expect(readFileSync(join(shared, 'lib/seed'), 'utf8')).toBe('seed\n');
    expect(lstatSync(join(shared, 'tmp')).mode & 0o7777).toBe(0o1777);
    rmSync(join(shared, 'lib/seed'));
    deploy(open(), withVar);
    expect(existsSync(join(shared, 'lib/seed'))).toBe(false);
  });

  it("refuses what cannot work, with the original's words", () => {
    const sysroot = open();
    expect(() => deployTree(sysroot, 'nope', one, undefined)).toThrow(
      'Deploying tree: Initializing deployment: No such stateroot: nope',
    );
    expect(() => deployTree(sysroot, '../x', one, undefined)).toThrow('unsafe name');
    expect(() => initStateroot(sysroot, 'os')).toThrow('Creating ostree/deploy/os: File exists');
    const noKernel = commitFiles(sysroot.repo, 'empty', { 'usr/bin/x': 'x\n' });
    expect(() => deploy(sysroot, noKernel)).toThrow(
      'Failed to find kernel in /usr/lib/modules, /usr/lib/ostree-boot or /boot',
    );
    const both = commitFiles(sysroot.repo, 'both', { ...tree, 'etc/x': 'x\n' });
    expect(() => deploy(sysroot, both)).toThrow('Preparing /etc: Tree contains both /etc and /usr/etc');
    cleanupSysroot(sysroot);
    expect(readdirSync(join(path, 'ostree/deploy/os/deploy'))).toEqual([]);
  });

  it('tells a broken layout apart', () => {
    deploy(open(), one);
    rmSync(join(path, 'boot/loader'));
    symlinkSync('loader.7', join(path, 'boot/loader'));
    expect(() => open()).toThrow("loading sysroot: Invalid target 'loader.7' in boot/loader");
    expect(() => Sysroot.open(join(work, 'nope'))).toThrow(`opendir(${join(work, 'nope')}): No such file or directory`);
  });

  it('refuses a FAT file system as /boot from 2026.4 on', () => {
    const usage = (at: string): FsUsage => ({ ...hostFs.usage(at), ...(at.endsWith('/boot') ? { type: 0x4d44 } : {}) });
    const fs = Object.assign(Object.create(hostFs) as FileSystem, { usage });
    expect(() => Sysroot.open(path, { fs, env: testEnv })).toThrow(
      'loading sysroot: /boot cannot currently be a vfat filesystem',
    );
    expect(Sysroot.open(path, { fs, env: testEnv, compat: '2022.7' }).deployments).toEqual([]);
  });

  it('lets one writer in at a time', () => {
    const lock = open().lock();
    expect(() => open().lock({ wait: false })).toThrow('locked');
    lock.release();
    lock.release();
    open().lock({ wait: false }).release();
    expect(existsSync(join(path, 'ostree/lock'))).toBe(false);
  });
});
