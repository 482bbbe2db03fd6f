// Repositories on volumes that were put in: a file system in a file, mounted below /media in a mount namespace of its own,
// so that nothing of it is seen outside.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

const root = join(import.meta.dirname, '../..');
const volume = `/media/coppice-${process.pid}`;
const madeMedia = !existsSync('/media');

/** Runs a script with the volume mounted. */
function mounted(image: string, script: string): { status: number | null; stdout: string; stderr: string } {
  const all = `mount -o loop ${image} ${volume} || exit 99\n${script}`;
  return spawnSync('timeout', ['600', 'unshare', '-m', 'bash', '--norc', '-c', all], {
    encoding: 'utf8',
    env: {
      ...process.env,
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      COPPICE_SOURCE: '1',
      COPPICE_COMPAT: 'ostree=2022.7',
      OSTREE_GPG_HOME: '/nonexistent',
    },
  });
}

/** Whether file systems in files can be mounted here: containers often cannot. */
function loopWorks(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'coppice-loop-'));
  try {
    const script = `truncate -s 4M ${dir}/image && mkfs.ext4 -q ${dir}/image && mkdir ${dir}/at && mount -o loop ${dir}/image ${dir}/at`;
    return spawnSync('unshare', ['-m', 'sh', '-c', script]).status === 0;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const why = skipReason ?? (loopWorks() ? undefined : 'file systems in files cannot be mounted here');

describe.skipIf(why !== undefined)(`volumes (${why ?? 'ostree found'})`, () => {
  const work = scratch();
  const at = (name: string): string => join(work.path, name);
  beforeAll(() => {
    mkdirSync(volume, { recursive: true });
    spawnSync('sh', ['-c', `dd if=/dev/zero of=${at('image')} bs=1M count=24 && mkfs.ext4 -q ${at('image')}`]);
    mkdirSync(at('tree'));
    writeFileSync(at('tree/file'), 'on a stick\n');
    mkdirSync(at('gpg'), { mode: 0o700 });
    const gpg = (...args: string[]) =>
      spawnSync('gpg', ['--homedir', at('gpg'), '--batch', '--passphrase', '', ...args], { encoding: 'utf8' }).stdout;
    gpg('--quick-gen-key', 'Stick <stick@example.com>', 'rsa2048');
    const key = /^fpr:+([0-9A-F]{40}):/m.exec(gpg('--list-keys', '--with-colons'))![1]!;
    gpg('--output', at('key.gpg'), '--export');
    const source = `--repo=${at('source')}`;
    originalOutput('init', source, '--mode=archive', '--collection-id=org.example.Coll');
    const sign = [`--gpg-sign=${key}`, `--gpg-homedir=${at('gpg')}`];
    originalOutput(source, 'commit', '-b', 'app', '--timestamp=@1700000000', ...sign, at('tree'));
    originalOutput(source, 'summary', '-u', ...sign);
    for (const name of ['carrier', 'side-theirs', 'side-ours']) {
      const repo = `--repo=${at(name)}`;
      originalOutput('init', repo, '--mode=bare-user');
      const options = ['--collection-id=org.example.Coll', `--gpg-import=${at('key.gpg')}`];
      originalOutput(repo, 'remote', 'add', ...options, 'origin', `file://${at('source')}`);
    }
    originalOutput(`--repo=${at('carrier')}`, 'pull', 'origin', 'app');
    const made = mounted(
      at('image'),
      `ostree --repo=${at('carrier')} create-usb ${volume} org.example.Coll app && mkdir -p ${volume}/.ostree/repos.d &&
       ln -s /etc ${volume}/.ostree/repos.d/outside && ln -s ../repo ${volume}/.ostree/repos.d/00-same &&
       cp -a ${volume}/.ostree/repo ${volume}/elsewhere && ln -s ../../elsewhere ${volume}/.ostree/repos.d/50-moved`,
    );
    expect(made.stderr).toBe('');
  });
  afterAll(() => {
    try {
      rmdirSync(volume);
      if (madeMedia) rmdirSync('/media');
      // Left alone when someone else put something there.
    } catch {}
    spawnSync('sh', ['-c', `gpgconf --homedir ${at('gpg')} --kill all`]);
    work.remove();
  });

  test.each([
    ['found', ['--finders=mount', 'org.example.Coll', 'app']],
    ['one of two', ['--finders=mount', 'org.example.Coll', 'app', 'org.example.Coll', 'none']],
    ['of a collection without keys', ['--finders=mount', 'org.example.Other', 'app']],
    ['on the volume and from the remote', ['--finders=config,mount', 'org.example.Coll', 'app']],
    ['pulled', ['--finders=mount', '--pull', 'org.example.Coll', 'app']],
  ])('%s', (_name, args) => {
    const out = (program: string, repo: string): string => {
      const { status, stdout, stderr } = mounted(
        at('image'),
        `${program} --repo=${at(repo)} find-remotes ${args.join(' ')}`,
      );
      return `${status}\n${stdout}${stderr}`.replaceAll(repo, 'side');
    };
    expect(out(join(root, 'bin/ostree'), 'side-ours')).toBe(out('ostree', 'side-theirs'));
    if (!args.includes('--pull')) return;
    const rev = (repo: string): string => originalOutput(`--repo=${at(repo)}`, 'rev-parse', 'origin:app');
    expect(rev('side-ours')).toBe(rev('side-theirs'));
  });
});
