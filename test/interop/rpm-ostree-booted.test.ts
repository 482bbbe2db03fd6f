// The verbs that need a booted system: staging, locks, reboots, the running kernel's arguments, a writable /usr. They run in
// bubblewrap with a deployment as root; what they leave is what the original ostree sees and, where it has the verb, does.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../scripts/build.ts';
import {
  baseTree,
  discard,
  env,
  must,
  type Outcome,
  original,
  skipReason,
  temporaryFolder,
  writeTree,
} from './sysroot-support.ts';

const root = join(import.meta.dirname, '../..');
const works = (): boolean =>
  spawnSync('bwrap', ['--ro-bind', '/', '/', '--proc', '/proc', '--unshare-pid', '--cap-add', 'ALL', 'true']).status ===
  0;
const reason = skipReason ?? (works() ? undefined : 'bubblewrap cannot be used');

describe.skipIf(reason !== undefined)(
  `rpm-ostree on a booted system${reason === undefined ? '' : `: ${reason}`}`,
  () => {
    const dist = 'node_modules/.cache/interop-rpm-ostree-booted';
    const program = `/tmp/coppice/${dist}/main.cjs`;
    const cmdline = 'BOOT_IMAGE=/vmlinuz root=LABEL=root quiet ostree=/ostree/boot.1/os/x/0 console=ttyS0 console=tty0';
    let work: string;
    let commit: string;

    beforeAll(async () => {
      await bundle(join(root, dist));
      work = temporaryFolder();
      const tree = join(work, 'tree');
      const merged = { lib: '-> usr/lib', lib64: '-> usr/lib64', bin: '-> usr/bin', sbin: '-> usr/sbin' };
      writeTree(tree, { ...baseTree, ...merged });
      mkdirSync(join(work, 'a'));
      must(original(['admin', 'init-fs', 'a'], work));
      must(original(['admin', 'os-init', '--sysroot=a', 'os'], work));
      const args = ['commit', '--repo=a/ostree/repo', '-b', 'v0', '-s', 'x', '--timestamp=@1700000000'];
      commit = must(original([...args, `--tree=dir=${tree}`], work)).trim();
      must(original(['admin', 'deploy', '--sysroot=a', '--os=os', '--karg=root=x', 'v0'], work));
      mkdirSync(join(work, 'programs'));
      writeFileSync(join(work, 'cmdline'), `${cmdline}\n`);
      // Says what it was asked for, and what a shutdown would find.
      writeFileSync(join(work, 'programs/systemctl'), '#!/bin/sh\necho "$@" $(ls /run/ostree) >>/run/asked\n', {
        mode: 0o755,
      });
    });
    afterAll(() => {
      discard(work);
      rmSync(join(root, dist), { recursive: true, force: true });
    });

    /** The system as it was deployed, and what has been asked of systemd there. */
    function boot(name: string) {
      const sysroot = join(work, name);
      const run = join(work, `run-${name}`);
      spawnSync('cp', ['-a', 'a', name], { cwd: work });
      mkdirSync(run);
      writeFileSync(join(run, 'ostree-booted'), '');
      const binds = [
        ['--bind', join(sysroot, 'ostree/deploy/os/deploy', `${commit}.0`), '/'],
        ['--bind', sysroot, '/sysroot'],
        ['--bind', join(sysroot, 'boot'), '/boot'],
        ['--ro-bind', '/usr', '/usr'],
        ['--bind', run, '/run'],
        ['--bind', join(sysroot, 'ostree/deploy/os/var'), '/var'],
        ['--dev', '/dev'],
        ['--proc', '/proc'],
        ['--ro-bind', join(work, 'cmdline'), '/proc/cmdline'],
        ['--tmpfs', '/tmp'],
        ['--ro-bind', root, '/tmp/coppice'],
        ['--ro-bind', join(work, 'programs'), '/tmp/programs'],
        ['--ro-bind', process.execPath, '/tmp/node'],
      ].flat();
      const inside = (...command: string[]): Outcome => {
        const options = [
          '--cap-add',
          'ALL',
          '--unshare-pid',
          '--chdir',
          '/',
          '--setenv',
          'PATH',
          '/tmp/programs:/usr/bin:/usr/sbin',
        ];
        const { status, stdout, stderr } = spawnSync('bwrap', [...binds, ...options, ...command], {
          env,
          encoding: 'utf8',
        });
        return { status: status ?? -1, stdout, stderr };
      };
      const ours = (...args: string[]): Outcome => inside('/tmp/node', program, 'rpm-ostree', ...args);
      const asked = (): string => (existsSync(join(run, 'asked')) ? readFileSync(join(run, 'asked'), 'utf8') : '');
      /** Kernel arguments of the entry that boots next. */
      const options = (): string => {
        const entries = join(sysroot, 'boot/loader/entries');
        const text = readFileSync(join(entries, readdirSync(entries).sort().at(-1)!), 'utf8');
        return /^options (.*)$/m.exec(text)![1]!;
      };
      return { run, inside, ours, asked, options, theirs: (...args: string[]): Outcome => inside('ostree', ...args) };
    }

    it('a staged deployment is locked, and finalized once its lock is gone', () => {
      const { run, ours, theirs, asked, options } = boot('locked');
      const lock = join(run, 'ostree/staged-deployment-locked');
      must(ours('kargs', '--append=q=1', '--lock-finalization'));
      expect(existsSync(lock)).toBe(true);
      expect(must(theirs('admin', 'status'))).toMatch(/^ {2}os [0-9a-f]{64}\.1 \(staged\)/m);
      // The shutdown before the lock is gone leaves everything as it is.
      must(theirs('admin', 'finalize-staged'));
      expect(options()).toMatch(/^root=x ostree=\S+$/);
      const other = '0'.repeat(64);
      expect(ours('finalize-deployment', other)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining(`error: Expected staged base checksum ${other}, but found ${commit}\n`),
      });
      expect([existsSync(lock), asked()]).toEqual([true, '']);
      must(ours('finalize-deployment', commit));
      expect(asked()).toBe('reboot staged-deployment\n');
      expect(ours('finalize-deployment', commit).stderr).toContain('error: Staged deployment already unlocked\n');
      must(ours('finalize-deployment', commit, '--allow-unlocked'));
      must(ours('finalize-deployment', '--allow-missing-checksum', '--allow-unlocked'));
      expect(asked()).toBe('reboot staged-deployment\n'.repeat(3));
      must(theirs('admin', 'finalize-staged'));
      expect(options()).toMatch(/^root=x q=1 ostree=\S+$/);
    });

    it('--reboot asks systemd once, when the change is staged', () => {
      const { ours, theirs, asked, options } = boot('reboot');
      must(ours('kargs', '--append=q=2', '--reboot'));
      expect(asked()).toBe('reboot staged-deployment\n');
      // Nothing to do, nothing to reboot for.
      must(ours('kargs', '--append-if-missing=q=2', '--reboot'));
      expect(asked()).toBe('reboot staged-deployment\n');
      must(theirs('admin', 'finalize-staged'));
      expect(options()).toMatch(/^root=x q=2 ostree=\S+$/);
    });

    it('--import-proc-cmdline takes over what the running kernel was given, as the original does', () => {
      const [here, there] = [boot('import'), boot('import-original')];
      must(here.ours('kargs', '--import-proc-cmdline', '--append=z=9'));
      must(here.theirs('admin', 'finalize-staged'));
      // The original changes the arguments of the deployment in place, where it is not the running one.
      rmSync(join(there.run, 'ostree-booted'));
      const change = ['set-kargs', '--sysroot=/sysroot', '--import-proc-cmdline', '--append=z=9'];
      must(there.theirs('admin', 'instutil', ...change));
      const plain = (text: string): string => text.replace(/ ?ostree=\S+/, '');
      expect(plain(here.options())).toBe(plain(there.options()));
      expect(here.options()).toContain('console=ttyS0 console=tty0 z=9');
    });

    it.each([[[]], [['--transient']]])('usroverlay %j makes /usr writable as the original does', (flags) => {
      // Mounts propagate as they do where systemd has booted. Only what the shell does itself works below the new /usr.
      const script =
        'mount --make-rshared /; "$@"; echo $?; (: >/usr/fresh) 2>/dev/null; echo $?; ' +
        'while read -r device path type rest; do if [ "$path $type" = "/usr overlay" ]; then echo mounted; fi; done </proc/mounts';
      const outcomes = [
        ['/tmp/node', program, 'rpm-ostree', 'usroverlay'],
        ['ostree', 'admin', 'unlock'],
      ].map((verb, i) => {
        const { inside, theirs } = boot(`overlay-${i}${flags.length}`);
        const outcome = inside('sh', '-c', script, 'sh', ...verb, ...flags);
        return [outcome, theirs('admin', 'status')] as const;
      });
      expect(outcomes[0]).toEqual(outcomes[1]);
      const [{ stdout }, status] = outcomes[0]!;
      expect(stdout).toMatch(flags.length === 0 ? /\n0\n0\nmounted\n$/ : /\n0\n[12]\nmounted\n$/);
      expect(status.stdout).toContain(`Unlocked: ${flags.length === 0 ? 'development' : 'transient'}`);
    });
  },
);
