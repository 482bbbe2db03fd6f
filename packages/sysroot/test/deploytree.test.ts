// Trees written and removed by two threads, and composefs images taken over from deployments of the same commit.
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import { HelperThread, Repo } from '@coppice/ostree';
import { cleanupSysrootBeside, deployTree, Origin, Sysroot, simpleWriteDeployment } from '@coppice/sysroot';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { commitFiles, makeSysroot, scratch, testEnv, tree } from './world.ts';

const helper = new HelperThread({ startAfter: 0 });
const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`usr/share/d${i % 7}/f${i}`, `${i}\n`]));
let folder: string;
beforeEach(() => {
  folder = scratch();
});
afterEach(() => {
  helper.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Every path below with its type, mode and inode: what is a hard link of an object shows as one. */
function listing(root: string, linksOnly = false): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const { mode, ino, nlink, size } = lstatSync(join(root, name));
      const file = (mode & 0o170000) === 0o100000;
      return `${name} ${mode.toString(8)} ${file ? size : ''} ${file && nlink > 1 && !linksOnly ? ino : ''}`;
    })
    .sort();
}

it('two threads write the tree that one writes, and remove it', async () => {
  const path = join(folder, 'sysroot');
  const sysroot = makeSysroot(path, { env: testEnv });
  const commit = commitFiles(sysroot.repo, 'branch', { ...tree, ...many, 'usr/share/.ostree-wh.gone/x': 'x' });
  const origin = Origin.fromRefspec('branch');
  const alone = deployTree(sysroot, 'os', commit, origin);
  const together = deployTree(sysroot, 'os', commit, origin, { helper });
  expect(helper.started).toBe(true);
  const trees = [alone, together].map((d) => sysroot.deploymentPath(d));
  expect(listing(trees[1]!)).toEqual(listing(trees[0]!));
  simpleWriteDeployment(sysroot, together, { osname: 'os', cleanup: false });
  let meanwhile = false;
  await cleanupSysrootBeside(sysroot, helper, async () => {
    meanwhile = true;
  });
  expect([meanwhile, existsSync(trees[0]!), existsSync(trees[1]!)]).toEqual([true, false, true]);
});

it.skipIf(process.getuid?.() !== 0)(
  'an image is taken over where it is the one that is remembered (needs root)',
  () => {
    const path = join(folder, 'sysroot');
    const { repo } = makeSysroot(path, { env: testEnv });
    rmSync(repo.path, { recursive: true });
    Repo.create(join(path, 'ostree/repo'), { mode: 'bare' });
    const open = (): Sysroot => Sysroot.open(path, { env: testEnv });
    const commit = commitFiles(open().repo, 'branch', { ...tree, ...many });
    const remembered = new Map<string, string>();
    let made = 0;
    const knownImages = {
      digestOf: (key: string) => remembered.get(key),
      remember(key: string, digest: string) {
        made++;
        remembered.set(key, digest);
      },
    };
    const deploy = (): string => {
      const sysroot = open();
      const fresh = deployTree(sysroot, 'os', commit, Origin.fromRefspec('branch'), { knownImages });
      simpleWriteDeployment(sysroot, fresh, { osname: 'os', retain: true });
      return join(sysroot.deploymentPath(fresh), '.ostree.cfs');
    };
    const first = deploy();
    const image = readFileSync(first);
    expect(made).toBe(1);
    expect(readFileSync(deploy())).toEqual(image);
    // On a file system with fs-verity of its own, where files may have been sealed in between, it is made each time.
    const reused = made === 1;
    for (const name of readdirSync(join(path, 'ostree/deploy/os/deploy')))
      if (!name.endsWith('.origin')) {
        const file = join(path, 'ostree/deploy/os/deploy', name, '.ostree.cfs');
        const bytes = readFileSync(file);
        bytes[bytes.length >> 1]! ^= 1;
        writeFileSync(file, bytes);
      }
    const before = made;
    expect(readFileSync(deploy())).toEqual(image);
    expect(made).toBe(before + 1);
    expect(reused || before > 1).toBe(true);
  },
);

it.skipIf(process.getuid?.() !== 0)(
  'a kernel that another deployment has as the same file is not read again (needs root)',
  () => {
    const path = join(folder, 'sysroot');
    const { repo } = makeSysroot(path, { env: testEnv });
    rmSync(repo.path, { recursive: true });
    Repo.create(join(path, 'ostree/repo'), { mode: 'bare' });
    const read: string[] = [];
    const fs: FileSystem = {
      ...hostFs,
      open(file, flags, mode) {
        if (file.includes('/usr/lib/modules/')) read.push(file.slice(file.lastIndexOf('/') + 1));
        return hostFs.open(file, flags, mode);
      },
    };
    const boot = { 'usr/lib/modules/6.1/vmlinuz': 'kernel', 'usr/lib/modules/6.1/initramfs.img': 'initramfs' };
    const files = Object.fromEntries(Object.entries(tree).filter(([name]) => !/ostree-boot|modules/.test(name)));
    const deploy = (more: Record<string, string>): string => {
      read.length = 0;
      const sysroot = Sysroot.open(path, { env: testEnv, fs });
      const commit = commitFiles(sysroot.repo, 'branch', { ...files, ...boot, ...more });
      read.length = 0;
      const fresh = deployTree(sysroot, 'os', commit, Origin.fromRefspec('branch'));
      simpleWriteDeployment(sysroot, fresh, { osname: 'os', retain: true });
      return fresh.bootChecksum;
    };
    const sum = (...parts: string[]): string => createHash('sha256').update(parts.join('')).digest('hex');
    expect(deploy({})).toBe(sum('kernel', 'initramfs'));
    expect(read).toContain('vmlinuz');
    expect(deploy({ 'usr/share/other': 'x' })).toBe(sum('kernel', 'initramfs'));
    expect(read).toEqual([]);
    expect(deploy({ 'usr/lib/modules/6.1/initramfs.img': 'another' })).toBe(sum('kernel', 'another'));
    expect(deploy({ 'usr/lib/modules/6.1/devicetree': 'dt' })).toBe(sum('kernel', 'initramfs', 'dt'));
  },
);
