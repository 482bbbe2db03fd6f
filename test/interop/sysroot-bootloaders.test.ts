// What boot loaders read, against the original: the same deployments on sysroots with syslinux, U-Boot, GRUB 2 or none.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  baseTree,
  discard,
  listing,
  must,
  newest,
  newestSkipReason,
  original,
  ours as oursAt,
  skipReason,
  temporaryFolder,
  writeTree,
} from './sysroot-support.ts';

const generator = '/usr/libexec/installed-tests/libostree/ostree-grub-generator';

/** Trees whose kernels lie in each place that is accepted, with device trees, HMAC and without initramfs. */
const sum = 'a'.repeat(64);
const kernels: Readonly<Record<string, Readonly<Record<string, string | null>>>> = {
  plain: {},
  devicetree: { 'usr/lib/modules/6.1.0/devicetree': 'dt\n', 'usr/lib/modules/6.1.0/.vmlinuz.hmac': 'hmac\n' },
  dtbs: {
    'usr/lib/modules/6.1.0/dtb/b.dtb': 'b\n',
    'usr/lib/modules/6.1.0/dtb/a/x.dtb': 'x\n',
    'usr/lib/modules/6.1.0/dtb/a.dtb': 'a\n',
  },
  aboot: { 'usr/lib/modules/6.1.0/aboot.img': 'aboot\n', 'usr/lib/modules/6.1.0/aboot.cfg': 'cfg\n' },
  legacy: {
    [`usr/lib/ostree-boot/vmlinuz-5.0-${sum}`]: 'old\n',
    [`usr/lib/ostree-boot/initramfs-5.0.img-${sum}`]: 'oldi\n',
    'usr/lib/ostree-boot/uEnv.txt': 'own=1\n\nown2=2\n',
  },
  boot: {
    [`boot/vmlinuz-4.0-${sum}`]: 'older\n',
    [`boot/initramfs-4.0-${sum}`]: 'i\n',
    [`boot/devicetree-4.0-${sum}`]: 'd\n',
  },
  bad: { [`boot/vmlinuz-4.0-${sum}`]: 'older\n', [`boot/initramfs-4.0-${'b'.repeat(64)}`]: 'i\n' },
};

const loaders: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  none: {},
  syslinux: {
    'boot/loader.0/syslinux.cfg':
      'DEFAULT other\nPROMPT 1\n\nLABEL other\n\tKERNEL /vmlinuz\n\tAPPEND x\n\nTIMEOUT 20\n\n\nUI menu\n',
  },
  syslinuxOurs: {
    'boot/loader.0/syslinux.cfg':
      '\nDEFAULT Test (ostree:0)\nLABEL a\n\tKERNEL /ostree/os-x/vmlinuz\nLABEL b\n\tINITRD y\n\n\nLABEL c\n\tKERNEL /boot/x\n',
  },
  syslinuxBroken: { 'boot/loader.0/syslinux.cfg': 'LABEL a\n\tINITRD y\n' },
  uboot: { 'boot/loader.0/uEnv.txt': 'old=1\n' },
  grub2: { 'boot/grub2/grub.cfg': '# grub\n' },
};

describe.each([
  { level: '2022.7', reason: skipReason, judge: original },
  { level: '2026.4', reason: newestSkipReason, judge: newest },
])('boot loaders at $level', ({ level, reason, judge }) => {
  if (reason !== undefined) {
    it.skip(reason);
    return;
  }
  const ours = (args: readonly string[], cwd: string, extra: Record<string, string> = {}) =>
    oursAt(args, cwd, extra, level);
  let work: string;

  beforeAll(() => {
    work = temporaryFolder();
    mkdirSync(join(work, 'base'));
    must(judge(['admin', 'init-fs', 'base'], work));
    must(judge(['admin', 'os-init', '--sysroot=base', 'os'], work));
    for (const [name, extra] of Object.entries(kernels)) {
      const tree = join(work, `tree-${name}`);
      const old = ['legacy', 'boot', 'bad'].includes(name);
      const files = Object.entries(baseTree).filter(([path]) => !old || !path.includes('/modules/'));
      writeTree(tree, { ...Object.fromEntries(files), ...extra });
      if (name === 'devicetree') spawnSync('rm', [join(tree, 'usr/lib/modules/6.1.0/initramfs.img')]);
      must(
        judge(
          ['commit', '--repo=base/ostree/repo', '-b', name, '-s', 'x', '--timestamp=@1', `--tree=dir=${tree}`],
          work,
        ),
      );
    }
  });
  afterAll(() => discard(work));

  for (const loader of Object.keys(loaders)) {
    it(`writes what the original writes for ${loader}`, async () => {
      const extra =
        loader === 'grub2' && existsSync(generator)
          ? { OSTREE_GRUB2_EXEC: generator, OSTREE_BOOT_PARTITION: '/boot' }
          : {};
      for (const name of ['a', 'b']) {
        spawnSync('rm', ['-rf', name], { cwd: work });
        spawnSync('cp', ['-a', 'base', name], { cwd: work });
        writeTree(join(work, name), loaders[loader]!);
        if (existsSync(join(work, name, 'boot/loader.0')))
          writeTree(join(work, name), { 'boot/loader': '-> loader.0' });
        if (loader.startsWith('syslinux'))
          writeTree(join(work, name), { 'boot/syslinux/syslinux.cfg': '-> ../loader/syslinux.cfg' });
      }
      const skip = (path: string): boolean => path.startsWith('ostree/repo');
      const both = async (args: (root: string) => string[]): Promise<void> => {
        const about = args('R').join(' ');
        const want = judge(args('a'), work, extra);
        expect({ about, ...(await ours(args('b'), work, extra)) }).toEqual({ about, ...want });
        expect(listing(join(work, 'b'), { skip }), about).toEqual(listing(join(work, 'a'), { skip }));
      };
      for (const branch of ['plain', 'plain', 'devicetree', 'dtbs', 'aboot', 'legacy', 'boot', 'bad'])
        await both((root) => ['admin', 'deploy', `--sysroot=${root}`, '--os=os', '--karg-append=a=1', branch]);
      const grub = { GRUB2_BOOT_DEVICE_ID: "dev'x", GRUB2_PREPARE_ROOT_CACHE: 'search x' };
      for (const more of [{}, { _OSTREE_GRUB2_IS_EFI: '1' }]) {
        const args = ['admin', 'instutil', 'grub2-generate', '--sysroot=b'];
        expect(await ours(args, work, { ...grub, ...more })).toEqual(judge(args, work, { ...grub, ...more }));
      }
      await both((root) => ['config', `--repo=${root}/ostree/repo`, 'set', 'sysroot.bootloader', 'none']);
      await both((root) => [
        'config',
        `--repo=${root}/ostree/repo`,
        'set',
        'sysroot.bls-append-except-default',
        'k1=v1;zz=2;another=3',
      ]);
      await both((root) => ['admin', 'deploy', `--sysroot=${root}`, '--os=os', '--retain', 'dtbs']);
      await both((root) => ['admin', 'undeploy', `--sysroot=${root}`, '0']);
    });
  }

  // 2022.7 ends with a failed assertion where the system is not booted.
  it.skipIf(level !== '2026.4')('runs zipl and aboot-deploy as the original does', async () => {
    const [bin, log, tree] = [join(work, 'bin'), join(work, 'called'), join(work, 'tree-zipl')];
    const files = { 'usr/lib/modules/6.1.0/aboot.img': 'aboot\n', 'usr/lib/ostree-boot/aboot.cfg': 'cfg\n' };
    const inside = '#!/usr/bin/busybox sh\n{ echo "$@"; busybox pwd; busybox ls / /boot; } >/boot/called\n';
    writeTree(tree, { ...baseTree, ...files, 'usr/bin/busybox@755': '', 'usr/sbin/zipl@755': inside });
    copyFileSync('/bin/busybox', join(tree, 'usr/bin/busybox'));
    const outside = (code: number, about = ''): string => `#!/bin/sh\necho "$0 $@${about}" >>${log}\nexit ${code}\n`;
    const there = ' in $(basename "$PWD")';
    for (const [folder, code] of [
      ['works', 0],
      ['fails', 3],
    ] as const)
      writeTree(bin, { [`${folder}/zipl@755`]: outside(code), [`${folder}/aboot-deploy@755`]: outside(code, there) });
    const path = process.env.PATH;
    try {
      for (const loader of ['zipl', 'aboot']) {
        for (const name of ['a', 'b']) {
          spawnSync('rm', ['-rf', name], { cwd: work });
          spawnSync('cp', ['-a', 'base', name], { cwd: work });
          const repo = `--repo=${name}/ostree/repo`;
          must(judge(['commit', repo, '-b', 'zipl', '-s', 'x', '--timestamp=@1', `--tree=dir=${tree}`], work));
          must(judge(['config', repo, 'set', 'sysroot.bootloader', loader], work));
        }
        for (const [folder, k] of [
          ['fails', 1],
          ['works', 2],
          ['fails', 3],
          ['nowhere', 4],
          ['works', 5],
        ] as const) {
          const PATH = `${join(bin, folder)}:${path}`;
          process.env.PATH = PATH;
          const seen: unknown[] = [];
          for (const name of ['a', 'b']) {
            rmSync(log, { force: true });
            const args = ['admin', 'deploy', `--sysroot=${name}`, '--os=os', `--karg=k=${k}`, 'zipl'];
            const done = name === 'a' ? judge(args, work, { PATH }) : await ours(args, work, { PATH });
            const called = existsSync(log) ? readFileSync(log, 'utf8').replace(` in ${name}\n`, ' in SYSROOT\n') : '';
            seen.push({ loader, folder, k, ...done, called });
          }
          expect(seen[1]).toEqual(seen[0]);
          const skip = (at: string): boolean => at.startsWith('ostree/repo');
          expect(listing(join(work, 'b'), { skip })).toEqual(listing(join(work, 'a'), { skip }));
        }
      }
    } finally {
      process.env.PATH = path;
    }
  });

  it('adds initrd images', async () => {
    writeFileSync(join(work, 'one.img'), 'overlay 1\n');
    writeFileSync(join(work, 'two.img'), 'overlay 2\n');
    for (const name of ['a', 'b']) {
      spawnSync('rm', ['-rf', name], { cwd: work });
      spawnSync('cp', ['-a', 'base', name], { cwd: work });
    }
    for (const images of [['one.img', 'two.img'], ['two.img'], []]) {
      const args = (root: string): string[] => [
        'admin',
        'deploy',
        `--sysroot=${root}`,
        '--os=os',
        ...images.map((i) => `--overlay-initrd=${i}`),
        'plain',
      ];
      expect(await ours(args('b'), work)).toEqual(judge(args('a'), work));
      const skip = (path: string): boolean => path.startsWith('ostree/repo');
      expect(listing(join(work, 'b'), { skip })).toEqual(listing(join(work, 'a'), { skip }));
    }
  });
});
