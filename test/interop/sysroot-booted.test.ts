// The booted side: staging, finalization, locks, what status calls pending and rollback. Both run in bubblewrap with a
// deployment as root and its sysroot at /sysroot, as on a real machine; ours takes turns with the original.

import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../scripts/build.ts';
import {
  baseTree,
  discard,
  env,
  listing,
  must,
  type Outcome,
  original,
  random,
  skipReason,
  temporaryFolder,
  writeTree,
} from './sysroot-support.ts';

const root = join(import.meta.dirname, '../..');

const reason =
  skipReason ??
  (spawnSync('bwrap', ['--ro-bind', '/', '/', '--proc', '/proc', '--unshare-pid', '--cap-add', 'ALL', 'true'])
    .status === 0
    ? undefined
    : 'bubblewrap cannot be used');

describe.skipIf(reason !== undefined)(`a booted system${reason === undefined ? '' : `: ${reason}`}`, () => {
  let work: string;
  const dist = join(root, 'node_modules/.cache/interop-sysroot-booted');
  const checksums: string[] = [];
  let booted: string;

  beforeAll(async () => {
    await bundle(dist);
    work = temporaryFolder();
    const tree = join(work, 'tree');
    writeTree(tree, {
      ...baseTree,
      lib: '-> usr/lib',
      lib64: '-> usr/lib64',
      bin: '-> usr/bin',
      sbin: '-> usr/sbin',
    });
    mkdirSync(join(work, 'a'));
    must(original(['admin', 'init-fs', 'a'], work));
    must(original(['admin', 'os-init', '--sysroot=a', 'os'], work));
    for (let i = 0; i < 4; i++) {
      writeFileSync(join(tree, 'usr/bin/tool'), `${i}\n`);
      if (i > 1) writeFileSync(join(tree, 'usr/lib/modules/6.1.0/vmlinuz'), `kernel ${i}\n`);
      const metadata = `--add-metadata-string=version=${i}`;
      const args = [
        'commit',
        '--repo=a/ostree/repo',
        '-b',
        `v${i}`,
        '-s',
        'x',
        metadata,
        `--timestamp=@${1_700_000_000 + i}`,
        `--tree=dir=${tree}`,
      ];
      checksums.push(must(original(args, work)).trim());
    }
    must(original(['admin', 'deploy', '--sysroot=a', '--os=os', '--karg=root=x', 'v0'], work));
    must(original(['admin', 'deploy', '--sysroot=a', '--os=os', 'v1'], work));
    booted = `${checksums[1]}.0`;
    spawnSync('cp', ['-a', 'a', 'b'], { cwd: work });
    for (const name of ['a', 'b']) {
      mkdirSync(join(work, `run-${name}`));
      writeFileSync(join(work, `run-${name}/ostree-booted`), '');
    }
  });
  afterAll(() => discard(work));

  function inside(name: string, command: readonly string[]): Outcome {
    const sysroot = join(work, name);
    const binds = [
      ['--bind', join(sysroot, 'ostree/deploy/os/deploy', booted), '/'],
      ['--bind', sysroot, '/sysroot'],
      ['--bind', join(sysroot, 'boot'), '/boot'],
      ['--ro-bind', '/usr', '/usr'],
      ['--bind', join(work, `run-${name}`), '/run'],
      ['--bind', join(sysroot, 'ostree/deploy/os/var'), '/var'],
      ['--dev', '/dev'],
      ['--proc', '/proc'],
      ['--tmpfs', '/tmp'],
      ['--ro-bind', root, '/tmp/coppice'],
      ['--ro-bind', process.execPath, '/tmp/node'],
    ].flat();
    const result = spawnSync('bwrap', [...binds, '--cap-add', 'ALL', '--unshare-pid', '--chdir', '/', ...command], {
      // Set for services; boot-complete wants to be one.
      env: { ...env, COPPICE_COMPAT: 'ostree=2022.7', INVOCATION_ID: '1' },
      encoding: 'utf8',
    });
    return { status: result.status ?? -1, stdout: result.stdout, stderr: result.stderr };
  }

  const program = {
    original: ['ostree'],
    ours: ['/tmp/node', '/tmp/coppice/node_modules/.cache/interop-sysroot-booted/main.cjs', 'ostree'],
  };

  function step(args: readonly string[], turn: 'original' | 'ours'): void {
    const about = `${turn}: ${args.join(' ')}`;
    const want = inside('a', ['ostree', ...args]);
    expect({ about, ...inside('b', [...program[turn], ...args]) }).toEqual({ about, ...want });
    const skip = (path: string): boolean => /^ostree\/repo\/(tmp|state|\.lock|objects)/.test(path);
    expect(listing(join(work, 'b'), { skip }), about).toEqual(listing(join(work, 'a'), { skip }));
    expect(listing(join(work, 'run-b')), about).toEqual(listing(join(work, 'run-a')));
    const status = ['admin', 'status'];
    expect(inside('b', [...program.ours, ...status]), about).toEqual(inside('b', ['ostree', ...status]));
  }

  it('agrees on staging, finalizing and everything around it', () => {
    const pick = random(Number(process.env.COPPICE_SEED ?? 9));
    const steps: string[][] = [
      ['admin', 'config-diff'],
      ['admin', 'deploy', '--stage', '--karg-append=late=1', 'v2'],
      ['admin', 'config-diff'],
      ['admin', 'pin', '0'],
      ['admin', 'deploy', '--stage', 'v3'],
      ['admin', 'finalize-staged'],
      ['admin', 'boot-complete'],
      ['admin', 'undeploy', '1'],
      ['admin', 'undeploy', '0'],
      ['admin', 'deploy', '--stage', '--lock-finalization', 'v2'],
      ['admin', 'finalize-staged'],
      ['admin', 'undeploy', '0'],
      ['admin', 'deploy', '--stage', 'v0'],
      ['admin', 'deploy', 'v2'],
      ['admin', 'upgrade', '--stage'],
      ['admin', 'deploy', '--retain', 'v3'],
      ['admin', 'deploy', '--stage', '--retain-pending', 'v0'],
      ['admin', 'pin', '2'],
      ['admin', 'deploy', '--stage', 'v0'],
      ['admin', 'kargs', 'edit-in-place', '--append-if-missing=x=1'],
      ['admin', 'finalize-staged'],
      ['admin', 'instutil', 'set-kargs', '--merge', 'z=1'],
      ['admin', 'undeploy', '9'],
      ['admin', 'cleanup'],
      ['admin', '--print-current-dir'],
    ];
    for (const args of steps) {
      if (pick(2) === 0)
        for (const name of ['a', 'b'])
          appendFileSync(join(work, name, 'ostree/deploy/os/deploy', booted, 'etc/hosts'), `# ${args[1]}\n`);
      step(args, pick(3) === 0 ? 'original' : 'ours');
    }
  });

  it('refuses others than root', () => {
    const ids = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const result = inside('b', [...ids, ...program.ours, 'admin', 'undeploy', '0']);
    expect(result).toEqual({ status: 1, stdout: '', stderr: 'error: You must be root to perform this command\n' });
  });

  it('keeps a failed finalization for the next boot', () => {
    // A local file where the new defaults have a directory.
    const tree = join(work, 'tree2');
    writeTree(tree, { ...baseTree, 'usr/etc/mine/file': 'x\n' });
    must(
      original(
        ['commit', '--repo=a/ostree/repo', '-b', 'clash', '-s', 'x', '--timestamp=@1700000009', `--tree=dir=${tree}`],
        work,
      ),
    );
    rmSync(join(work, 'b'), { recursive: true });
    spawnSync('cp', ['-a', 'a', 'b'], { cwd: work });
    for (const name of ['a', 'b'])
      writeFileSync(join(work, name, 'ostree/deploy/os/deploy', booted, 'etc/mine'), 'mine\n');
    step(['admin', 'deploy', '--stage', 'clash'], 'ours');
    step(['admin', 'finalize-staged'], 'ours');
    expect(readdirSync(join(work, 'b/boot/ostree'))).toContain('finalize-failure.stamp');
    step(['admin', 'boot-complete'], 'ours');
    step(['admin', 'boot-complete'], 'ours');
  });
});
