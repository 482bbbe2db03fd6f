// Soft reboots and state overlays on a booted system of level 2026.4: the original and ours make the same mounts and records.
// Both run in bubblewrap with a deployment as root and its sysroot at /sysroot; `systemctl` only writes down its arguments.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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
  temporaryFolder,
  writeTree,
} from './sysroot-support.ts';

const root = join(import.meta.dirname, '../..');
const canMount = (): boolean => {
  const mount = 'mkdir /tmp/d && mount -t tmpfs x /tmp/d';
  const binds = ['--ro-bind', '/', '/', '--tmpfs', '/tmp', '--unshare-pid', '--cap-add', 'ALL'];
  const overlay = readFileSync('/proc/filesystems', 'utf8');
  return (
    ['overlay', 'erofs'].every((name) => overlay.includes(`\t${name}\n`)) &&
    spawnSync('bwrap', [...binds, 'sh', '-c', mount]).status === 0
  );
};
const reason = newestSkipReason ?? (canMount() ? undefined : 'overlayfs, erofs or bubblewrap cannot be used');

/** Files of a tree that make it one to soft-reboot into. */
const files = {
  ...baseTree,
  'usr/lib/ostree/prepare-root.conf': '[composefs]\nenabled=yes\n',
  'usr/lib/tmpfiles.d/x.conf': '',
  'usr/opt/given': 'given\n',
  'usr/opt/both/given': 'given\n',
  lib: '-> usr/lib',
  lib64: '-> usr/lib64',
  bin: '-> usr/bin',
  sbin: '-> usr/sbin',
};

describe.skipIf(reason !== undefined)(`soft reboot${reason === undefined ? '' : `: ${reason}`}`, () => {
  let work: string;
  const dist = join(root, 'node_modules/.cache/interop-sysroot-softreboot');
  const names: string[] = [];

  beforeAll(async () => {
    await bundle(dist);
    work = temporaryFolder();
    const tree = join(work, 'tree');
    writeTree(tree, files);
    mkdirSync(join(work, 's'));
    must(newest(['admin', 'init-fs', 's'], work));
    must(newest(['admin', 'os-init', '--sysroot=s', 'os'], work));
    for (const version of ['1', '2', '3']) {
      writeFileSync(join(tree, 'usr/lib/release-number'), version);
      if (version === '3') writeFileSync(join(tree, 'usr/lib/modules/6.1.0/vmlinuz'), 'another kernel\n');
      const args = ['commit', '--repo=s/ostree/repo', '-b', `v${version}`, '--tree=dir=tree'];
      names.push(`${must(newest(args, work)).trim()}.0`);
      must(newest(['admin', 'deploy', '--sysroot=s', '--os=os', '--retain', `v${version}`], work));
    }
  });
  afterAll(() => discard(work));

  const library = '/tmp/newest/usr/lib/x86_64-linux-gnu';
  const programs = {
    original: `exec ${library}/ld-linux-x86-64.so.2 --library-path ${library}:/usr/lib/x86_64-linux-gnu /tmp/newest/usr/bin/ostree "$@"`,
    ours: 'exec /tmp/node /tmp/coppice/node_modules/.cache/interop-sysroot-softreboot/main.cjs ostree "$@"',
  };

  /** Runs a script on a fresh copy of the system, booted from the first deployment. */
  function inside(who: keyof typeof programs, script: string): string {
    const [sysroot, run] = [join(work, `copy-${who}`), join(work, `run-${who}`)];
    discard(sysroot);
    discard(run);
    spawnSync('cp', ['-a', join(work, 's'), sysroot]);
    for (const name of ['bin', 'ostree/.private']) mkdirSync(join(run, name), { recursive: true });
    writeFileSync(join(run, 'ostree-booted'), '');
    const commands = { ostree: programs[who], systemctl: 'echo "systemctl $*" >>/run/calls' };
    for (const [name, text] of Object.entries(commands)) {
      writeFileSync(join(run, 'bin', name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(run, 'bin', name), 0o755);
    }
    const binds = [
      ['--bind', join(sysroot, 'ostree/deploy/os/deploy', names[0]!), '/'],
      ['--bind', sysroot, '/sysroot'],
      ['--bind', join(sysroot, 'boot'), '/boot'],
      ['--ro-bind', '/usr', '/usr'],
      ['--bind', run, '/run'],
      ['--bind', join(sysroot, 'ostree/deploy/os/var'), '/var'],
      ['--dev-bind', '/dev', '/dev'],
      ['--proc', '/proc'],
      ['--tmpfs', '/tmp'],
      ['--ro-bind', newestRoot!, '/tmp/newest'],
      ['--ro-bind', root, '/tmp/coppice'],
      ['--ro-bind', process.execPath, '/tmp/node'],
    ].flat();
    const result = spawnSync(
      'bwrap',
      [...binds, '--cap-add', 'ALL', '--unshare-pid', '--chdir', '/', 'sh', '-c', script],
      {
        env: { ...env, COPPICE_COMPAT: 'ostree=2026.4', PATH: `/run/bin:${env.PATH}` },
        encoding: 'utf8',
      },
    );
    return result.stdout + result.stderr;
  }

  /** What can be seen of the next root. Written differently: the overlay's layers; random: names and inode numbers. */
  const look = `look() {
    grep nextroot /proc/self/mountinfo | cut -d' ' -f4- | sed -E 's/,datadir[+]=/::/; s/lowerdir[+]=/lowerdir=/'
    ls -lA --time-style=+ /run/ostree /run/ostree/.private; find /run/nextroot -xdev | sort
    [ -e /run/ostree/nextroot-booted ] && tail -c +60 /run/ostree/nextroot-booted | LC_ALL=C tr -c '[:print:]' .; echo
    ostree admin status; ostree admin status --json
  }
  run() { echo "== $*"; ostree "$@"; echo "-> $?"; }
  exec 2>&1
  `;

  function compare(script: string): string {
    const own = (text: string): string =>
      text
        .replace(/transient-etc\.[A-Za-z0-9]{6}/g, 'transient-etc.X')
        .replaceAll(/\/\S*\/bin\/ostree /g, 'ostree ')
        .replaceAll('/copy-original', '/copy-ours');
    const want = own(inside('original', look + script));
    expect(own(inside('ours', look + script))).toBe(want);
    return want;
  }

  it('refuses what cannot be started without a reboot', () => {
    const calls = ['', 'x', '9', '2', '0', '--reset'].map((args) => `run admin prepare-soft-reboot ${args}\n`);
    const seen = compare(
      `${calls.join('')}mv /run/ostree/.private /run/ostree/p; run admin prepare-soft-reboot 1; look`,
    );
    expect(seen).toContain('different kernel state');
  });

  it('mounts the next root, shows it and takes it back', () => {
    const seen = compare(`run admin prepare-soft-reboot 1; look; cat /run/nextroot/usr/lib/release-number
      touch /run/nextroot/etc/new /run/nextroot/new /run/nextroot/sysroot/new; run admin status
      run admin undeploy 1; ls -A /run/ostree; run admin status; run admin prepare-soft-reboot --reset; cat /run/calls`);
    expect(seen).toContain('(soft-reboot)');
    expect(seen).toContain('systemctl start --quiet ostree-finalize-staged.service');
  });

  it('takes a damaged or outdated record as the original does', () => {
    compare(`run admin prepare-soft-reboot 1; cp /run/ostree/nextroot-booted /run/kept; printf x >/run/ostree/nextroot-booted
      run admin status; cp /run/kept /run/ostree/nextroot-booted
      printf '\\001' | dd of=/run/ostree/nextroot-booted bs=1 seek=40 conv=notrunc 2>/dev/null; run admin status; ls -A /run/ostree`);
  });

  it('takes the next root for the root once it runs', () => {
    compare(`export INVOCATION_ID=1; run admin boot-complete; run admin prepare-soft-reboot 1; run admin boot-complete; ls -A /run/ostree
      run admin status; run admin boot-complete x`);
  });

  const configs = {
    'transient etc': '[composefs]\nenabled=yes\n[etc]\ntransient=true\n',
    'transient root': '[composefs]\nenabled=true\n[root]\ntransient=true\n',
    'transient root, read-only': '[composefs]\nenabled=1\n[root]\ntransient-ro=true\n',
    'both transient keys': '[composefs]\nenabled=1\n[root]\ntransient-ro=true\ntransient=1\n',
    'required fs-verity': '[composefs]\nenabled=verity\n',
    'signatures without a key': '[composefs]\nenabled=signed\n',
    'signatures without a named key': '[composefs]\nenabled=signed\nkeypath=/run/key\n',
    'composefs off': '[composefs]\nenabled=no\n',
    'composefs if there': '[composefs]\nenabled=maybe\n',
  };
  it.each(Object.entries(configs))('follows prepare-root.conf: %s', (_name, config) => {
    compare(`mkdir /sysroot/ostree/deploy/os/deploy/${names[1]}/etc/ostree
      printf '${config.replaceAll('\n', '\\n')}' >/sysroot/ostree/deploy/os/deploy/${names[1]}/etc/ostree/prepare-root.conf
      run admin prepare-soft-reboot 1; look; cd /sysroot/ostree/deploy/os/deploy/${names[1]}; run admin impl-prepare-soft-reboot --help`);
  });

  it('overlays a directory, and prunes what a new deployment brings itself', () => {
    // The real trees have it in /usr, which belongs to the host here.
    const seen =
      compare(`mkdir -p /opt/both /opt/deep/er; echo given >/opt/file; echo given >/opt/both/a; mount -t tmpfs x /var
      calls() { run admin state-overlay; run admin state-overlay opt; run admin state-overlay opt /nowhere; run admin state-overlay opt /opt; }
      calls; grep -F ' /opt ' /proc/self/mountinfo | cut -d' ' -f4-; echo mine >/opt/mine; echo mine >/opt/file; echo mine >/opt/both/b; rm -r /opt/deep
      mkdir /opt/deep; echo mine >/opt/deep/mine; umount /opt
      state() { (cd /var/ostree; find . -path '*/work/*' -o -print | sort; getfattr -Rdm 'user|opaque' .); }; state; run admin state-overlay opt /opt; state; umount /opt
      setfattr -n user.ostree.deploymentcsum -v short /var/ostree/state-overlays/opt/upper; run admin state-overlay opt /opt; state`);
    expect(seen).toContain('user.ostree.deploymentcsum');
  });

  it('leaves nothing behind but the copies', () => {
    expect(readdirSync(work).sort()).toEqual(['copy-original', 'copy-ours', 'run-original', 'run-ours', 's', 'tree']);
  });
});
