// zipl on a booted system, with and without secure execution: the original of each level and ours call the same programs, which
// here only write down what they get. Both run in bubblewrap with a deployment as root, files of /sys and a loop device of their own.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../scripts/build.ts';
import {
  baseTree,
  discard,
  env,
  must,
  newest,
  newestRoot,
  newestSkipReason,
  original,
  skipReason,
  temporaryFolder,
  writeTree,
} from './sysroot-support.ts';

const root = join(import.meta.dirname, '../..');
const dist = join(root, 'node_modules/.cache/interop-sysroot-zipl');

/** Whether a file can be mounted in a namespace of one's own. */
function mountReason(): string | undefined {
  const script = `cd /tmp; truncate -s 2M i; mke2fs -q i; d=$(losetup -f --show i) && { mount -t ext4 $d /mnt; s=$?; losetup -d $d; exit $s; }`;
  const binds = [
    '--ro-bind',
    '/',
    '/',
    '--dev-bind',
    '/dev',
    '/dev',
    '--tmpfs',
    '/tmp',
    '--tmpfs',
    '/mnt',
    '--cap-add',
    'ALL',
  ];
  return spawnSync('bwrap', [...binds, 'sh', '-c', script]).status === 0
    ? undefined
    : 'no loop devices or no bubblewrap';
}

/** Writes down its arguments and the files it is given, whose names are of one process. */
const recorder = `#!/bin/sh
{ echo "$(basename "$0") $*" | sed 's#/proc/[0-9]*/fd/[0-9]*#FILE#g'
for file in "$@"; do case $file in /proc/*) cp "$file" /run/given; ;; esac
case $previous in --parmfile|-p) cat "$file"; echo;; --ramdisk|-r) kept=$(wc -c </run/initrd); head -c "$kept" /run/given; tail -c +$((kept + 1)) /run/given | gzip -dc | cpio -itv --quiet --numeric-uid-gid 2>&1 | sed 's/[A-Z][a-z][a-z] *[0-9]* [0-9:]* */TIME /'
  tail -c +$((kept + 1)) /run/given | gzip -dc | tr -c '[:print:]' '\\n' | grep -e secret -e '^crypt'; esac; previous=$file; done; } >>/run/calls 2>&1
case $0 in *zipl) ;; *) echo image >/sysroot/se/sdboot;; esac
exit $(cat /run/code-$(basename "$0") 2>/dev/null || echo 0)
`;

const flag = 'mkdir -p /sys/firmware/uv /sys/firmware/ipl; echo 1 >/sys/firmware/uv/prot_virt_guest';
const keys =
  'mkdir -p /etc/se-hostkeys /etc/luks; echo k >/etc/se-hostkeys/ibm-z-hostkey-1.crt; echo n >/etc/se-hostkeys/other';
const partition = 'mkdir -p /dev/disk/by-label; ln -s $loop /dev/disk/by-label/se';
const luks = `umask 077; echo root-secret >/etc/luks/root; echo boot-secret >/etc/luks/boot; echo 'crypt none' >/etc/crypttab; umask 022`;
const all = [flag, keys, partition, luks, 'mkdir /sysroot/se'].join('; ');

const cases: Readonly<Record<string, string>> = {
  plain: ':',
  'secure boot': 'mkdir -p /sys/firmware/ipl; echo 1 >/sys/firmware/ipl/secure',
  'no secure boot': 'mkdir -p /sys/firmware/ipl; echo 0 >/sys/firmware/ipl/secure',
  'zipl fails': 'echo 4 >/run/code-zipl',
  'no secure execution': `${flag}; echo 0 >/sys/firmware/uv/prot_virt_guest`,
  'no folder of keys': flag,
  'no key': `${flag}; mkdir /etc/se-hostkeys; echo x >/etc/se-hostkeys/other`,
  'no partition': `${flag}; ${keys}`,
  'no LUKS keys': `${flag}; ${keys}; ${partition}; mkdir /sysroot/se`,
  'secure execution': all,
  'the image cannot be made': `${all}; echo 3 >/run/code-pvimg; echo 3 >/run/code-genprotimg`,
  'the image cannot be installed': `${all}; echo 5 >/run/code-zipl`,
  'no program': `${all}; rm /run/bin/pvimg /run/bin/genprotimg`,
};

describe.each([
  { level: '2022.7', judge: original, reason: skipReason ?? mountReason() },
  { level: '2026.4', judge: newest, reason: newestSkipReason ?? mountReason() },
])('zipl at level $level', ({ level, judge, reason }) => {
  const it_ = it.skipIf(reason !== undefined);
  const why = reason === undefined ? '' : `: ${reason}`;
  let work: string;
  let booted: string;

  beforeAll(async () => {
    if (reason !== undefined) return;
    await bundle(dist);
    work = temporaryFolder();
    const links = { lib: '-> usr/lib', lib64: '-> usr/lib64', bin: '-> usr/bin', sbin: '-> usr/sbin' };
    writeTree(join(work, 'tree'), { ...baseTree, ...links });
    mkdirSync(join(work, 's'));
    must(judge(['admin', 'init-fs', 's'], work));
    must(judge(['admin', 'os-init', '--sysroot=s', 'os'], work));
    must(judge(['config', '--repo=s/ostree/repo', 'set', 'sysroot.bootloader', 'none'], work));
    const commit = ['commit', '--repo=s/ostree/repo', '-b', 'os', '--tree=dir=tree', '--timestamp=@1700000000'];
    booted = `${must(judge(commit, work)).trim()}.0`;
    must(judge(['admin', 'deploy', '--sysroot=s', '--os=os', '--karg=root=x', 'os'], work));
    must(judge(['config', '--repo=s/ostree/repo', 'set', 'sysroot.bootloader', 'zipl'], work));
  });
  afterAll(() => {
    if (reason === undefined) discard(work);
  });

  function inside(who: 'original' | 'ours', prepare: string): string {
    const [sysroot, run] = [join(work, `copy-${who}`), join(work, `run-${who}`)];
    for (const path of [sysroot, run]) discard(path);
    spawnSync('cp', ['-a', join(work, 's'), sysroot]);
    mkdirSync(join(run, 'bin'), { recursive: true });
    writeFileSync(join(run, 'ostree-booted'), '');
    const library = '/tmp/newest/usr/lib/x86_64-linux-gnu';
    const programs = {
      original:
        level === '2022.7'
          ? 'exec /usr/bin/ostree "$@"'
          : `exec ${library}/ld-linux-x86-64.so.2 --library-path ${library}:/usr/lib/x86_64-linux-gnu /tmp/newest/usr/bin/ostree "$@"`,
      ours: 'exec /tmp/node /tmp/coppice/node_modules/.cache/interop-sysroot-zipl/main.cjs ostree "$@"',
    };
    writeTree(join(run, 'bin'), {
      'ostree@755': `#!/bin/sh\n${programs[who]}\n`,
      ...Object.fromEntries(['zipl', 'pvimg', 'genprotimg'].map((name) => [`${name}@755`, recorder])),
    });
    const binds = [
      ['--bind', join(sysroot, 'ostree/deploy/os/deploy', booted), '/'],
      ['--bind', sysroot, '/sysroot'],
      ['--bind', join(sysroot, 'boot'), '/boot'],
      ['--ro-bind', '/usr', '/usr'],
      ['--bind', run, '/run'],
      ['--bind', join(sysroot, 'ostree/deploy/os/var'), '/var'],
      ['--dev-bind', '/dev', '/dev'],
      ['--tmpfs', '/dev/disk'],
      ['--proc', '/proc'],
      ['--tmpfs', '/sys'],
      ['--tmpfs', '/tmp'],
      ['--ro-bind', newestRoot ?? '/usr', '/tmp/newest'],
      ['--ro-bind', root, '/tmp/coppice'],
      ['--ro-bind', process.execPath, '/tmp/node'],
    ].flat();
    const script = `exec 2>&1; mkdir -p /var/tmp; cp /boot/ostree/*/initramfs* /run/initrd; truncate -s 4M /tmp/se; mke2fs -q -t ext4 /tmp/se
      loop=$(losetup -f --show /tmp/se); ${prepare}; step() { echo "== $1"; ostree admin deploy --os=os --karg-append=$1 os; echo "-> $?"; cat /run/calls; rm -f /run/calls
      ls /boot/*.stamp; sed -n 's#.* /sysroot/se ext4.*#still mounted#p' /proc/self/mounts; ls /var/tmp; }
      step one; echo 0 >/run/code-zipl; echo 0 >/run/code-pvimg; echo 0 >/run/code-genprotimg; step two
      umount -q /sysroot/se; mount $loop /mnt 2>/dev/null && cat /mnt/sdboot 2>/dev/null; umount -q /mnt; losetup -d $loop`;
    const result = spawnSync(
      'bwrap',
      [...binds, '--cap-add', 'ALL', '--unshare-pid', '--as-pid-1', '--chdir', '/', 'sh', '-c', script],
      {
        env: { ...env, COPPICE_COMPAT: `ostree=${level}`, PATH: `/run/bin:${env['PATH']}` },
        encoding: 'utf8',
      },
    );
    return (result.stdout + result.stderr)
      .replaceAll(/\/dev\/loop\d+/g, '/dev/loopN')
      .replaceAll(/^Freed objects.*\n/gm, '');
  }

  const old = ['secure boot', 'no LUKS keys', 'secure execution', 'no program'];
  it_.each(Object.entries(cases).filter(([name]) => level !== '2022.7' || old.includes(name)))(
    `%s${why}`,
    (_name, prepare) => {
      const want = inside('original', prepare);
      // It leaves the partition mounted when a step fails, and mounts it again the next time.
      expect(inside('ours', prepare)).toBe(want.replaceAll('still mounted\n', ''));
    },
  );
});
