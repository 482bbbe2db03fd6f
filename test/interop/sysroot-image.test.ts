// A disk image made without root, read back with debugfs and given to the original.

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lchownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../scripts/build.ts';
import {
  baseTree,
  discard,
  listing,
  must,
  original,
  skipReason,
  temporaryFolder,
  writeTree,
} from './sysroot-support.ts';

const nobody = 65534;

describe.skipIf(skipReason !== undefined)(`a disk image${skipReason === undefined ? '' : `: ${skipReason}`}`, () => {
  let work: string;
  let dist: string;

  beforeAll(async () => {
    dist = join(import.meta.dirname, '../../node_modules/.cache/interop-sysroot-image');
    await bundle(dist);
    work = temporaryFolder();
    const tree = join(work, 'tree');
    writeTree(tree, {
      ...baseTree,
      'usr/bin/su@4755': 'su\n',
      'usr/bin/again@4755': 'su\n',
      'usr/etc/odd name "x" é': 'odd\n',
      'usr/.ostree-wh.gone': '',
    });
    chownSync(join(tree, 'usr/bin/su'), 5, 6);
    chownSync(join(tree, 'usr/bin/again'), 5, 6);
    // A change of owner takes the set-user-id bit away.
    for (const name of ['su', 'again']) chmodSync(join(tree, 'usr/bin', name), 0o4755);
    lchownSync(join(tree, 'usr/etc/link'), 7, 70000);
    hostFs.setxattr(join(tree, 'usr/bin/tool'), 'user.note', Buffer.from([0, 1, 34, 255]));
    must(original(['init', '--repo=repo', '--mode=archive'], work));
    must(
      original(
        ['commit', '--repo=repo', '-b', 'one', '-s', 'x', '--add-metadata-string=version=1', `--tree=dir=${tree}`],
        work,
      ),
    );
    writeFileSync(join(tree, 'usr/bin/tool'), 'two\n');
    must(
      original(
        ['commit', '--repo=repo', '-b', 'two', '-s', 'x', '--add-metadata-string=version=2', `--tree=dir=${tree}`],
        work,
      ),
    );
    spawnSync('chmod', ['-R', 'a+rX', work]);
    for (const user of [0, nobody]) {
      mkdirSync(join(work, `out${user}`));
      chownSync(join(work, `out${user}`), user, user);
    }
  });
  afterAll(() => discard(work));

  function build(user: number): string {
    const image = join(work, `out${user}/disk.raw`);
    const args = [
      'coppice',
      'image',
      'build',
      '--from',
      `${work}/repo:two`,
      '--from',
      `${work}/repo:one`,
      '-o',
      image,
      '--karg',
      'quiet',
    ];
    const ids = [`--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
    const result = spawnSync('setpriv', [...ids, process.execPath, join(dist, 'main.cjs'), ...args], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, COPPICE_COMPAT: 'ostree=2022.7' },
    });
    if (result.status !== 0) throw new Error(result.stderr);
    return image;
  }

  const inspect = (image: string, command: string): string =>
    spawnSync('debugfs', ['-R', command, image], { encoding: 'utf8' }).stdout;

  it('is the same for root and for nobody, and the original finds its way in it', () => {
    const listings = [0, nobody].map((user) => {
      const image = build(user);
      const out = join(work, `dump${user}`);
      mkdirSync(out);
      inspect(image, `rdump / ${out}`);
      rmSync(join(out, 'lost+found'), { recursive: true, force: true });
      return listing(out, { skip: (path) => path.startsWith('ostree/repo/tmp') || path === 'ostree/repo/.lock' });
    });
    expect(listings[1]).toEqual(listings[0]);
    const status = must(original(['admin', 'status', '--sysroot=dump0'], work));
    expect(status).toMatch(/Version: 2\n {4}origin refspec: two\n.*\n {4}Version: 1\n {4}origin refspec: one\n$/);
    const two = must(original(['rev-parse', '--repo=repo', 'two'], work)).trim();
    const tree = `/ostree/deploy/test/deploy/${two}.0`;
    const image = join(work, `out${nobody}/disk.raw`);
    const stat = (path: string): string => inspect(image, `stat "${tree}${path}"`);
    expect(stat('')).toContain('Flags: 0x80010');
    expect(stat('/usr/bin/su')).toMatch(/Mode: {2}04755[\s\S]*User: +5 +Group: +6 /);
    expect(stat('/usr/etc/link')).toMatch(/User: +7 +Group: +70000 /);
    expect(stat('/usr/gone')).toMatch(/character special[\s\S]*Device major\/minor number: 00:00/);
    const one = must(original(['rev-parse', '--repo=repo', 'one'], work)).trim();
    const inode = (path: string): string => /Inode: (\d+)/.exec(inspect(image, `stat ${path}`))![1]!;
    expect(inspect(image, `stat ${tree.replace(two, one)}/usr/bin/tool`)).toContain('user.note (4) = 00 01 22 ff');
    // Both deployments and the repository share one inode.
    expect(inode(`${tree}/usr/bin/su`)).toBe(inode(`${tree.replace(two, one)}/usr/bin/su`));
    expect(inspect(image, 'cat /boot/loader/entries/ostree-2-test.conf')).toMatch(
      /^options root=LABEL=root rw quiet ostree=/m,
    );
    // Extended attributes do not survive the dump, so only the commit without them can be checked there.
    must(original(['refs', '--repo=dump0/ostree/repo', '--delete', 'one'], work));
    // Nor do owners of symbolic links: checksums and names are what can be compared.
    const names = (repo: string): string[] =>
      must(original(['ls', `--repo=${repo}`, '-R', '-C', 'two'], work))
        .split('\n')
        .map((line) => /[0-9a-f]{64}.*$/.exec(line)?.[0] ?? '');
    expect(names('dump0/ostree/repo')).toEqual(names('repo'));
  });

  it('is whole for the kernel and for the original, mounted', (context) => {
    const image = build(nobody);
    expect(spawnSync('e2fsck', ['-fn', image], { encoding: 'utf8' }).stdout).toMatch(/^Pass 5[\s\S]*non-contiguous/m);
    expect(spawnSync('e2fsck', ['-fn', image]).status).toBe(0);
    const [commit, other] = ['two', 'one'].map((ref) => must(original(['rev-parse', '--repo=repo', ref], work)).trim());
    const script = `mkdir m && mount -o loop,ro,noload "$1" m || exit 77
      trap 'umount m' EXIT
      ostree fsck --quiet --repo=m/ostree/repo && ostree admin status --sysroot=m &&
      lsattr -d m/ostree/deploy/test/deploy/*.0 && ls -d m/ostree/deploy/test/deploy/*.0 | wc -l`;
    const shell = ['--mount', 'sh', '-c', script, 'sh', image];
    const result = spawnSync('unshare', shell, { cwd: work, encoding: 'utf8' });
    if (result.status === 77) context.skip(`no loop devices: ${result.stderr.trim()}`);
    expect(result.stderr).toBe('');
    for (const sum of [commit, other])
      expect(result.stdout).toMatch(new RegExp(`^----i\\S* m/ostree/deploy/test/deploy/${sum}.0$`, 'm'));
    expect(result.stdout).toMatch(/^2$/m);
  });

  it('holds many small files, large attributes, long names and arguments without end', () => {
    const tree = join(work, 'extremes');
    const long = 'n'.repeat(250);
    writeTree(tree, {
      ...baseTree,
      [`usr/${long}/${long}/ a\\b "q" ' é`]: 'x',
      'usr/bin/attributes': '',
      'usr/bin/huge': '',
    });
    spawnSync('truncate', ['-s', '20M', join(tree, 'usr/bin/sparse')]);
    // Each takes an inode, twice where it is a link, and nothing else.
    mkdirSync(join(tree, 'usr/small'));
    for (let i = 0; i < 3000; i++) symlinkSync(String(i), join(tree, `usr/small/${i}`));
    let attributes = true;
    try {
      for (const n of ['a', 'b', 'c', 'd'])
        hostFs.setxattr(join(tree, 'usr/bin/attributes'), `user.${n}`, Buffer.alloc(1500, n));
    } catch {
      attributes = false; // This file system has no room for them.
    }
    const commit = (branch: string): void =>
      void must(original(['commit', '--repo=bare', '-b', branch, '-s', 'x', `--tree=dir=${tree}`], work));
    must(original(['init', '--repo=bare', '--mode=bare-user'], work));
    commit('extremes');
    const kargs = Array.from({ length: 40 }, (_, i) => ['--karg', `key${i}="value ${i}"`]).flat();
    const main = (branch: string): string => {
      const args = [
        'coppice',
        'image',
        'build',
        '--from',
        `${work}/bare:${branch}`,
        '-o',
        join(work, 'extremes.raw'),
        '--size',
        '64M',
      ];
      const env = { PATH: process.env.PATH };
      return spawnSync(process.execPath, [join(dist, 'main.cjs'), ...args, ...kargs], { encoding: 'utf8', env }).stderr;
    };
    expect(main('extremes')).not.toContain('error');
    const image = join(work, 'extremes.raw');
    expect(spawnSync('e2fsck', ['-fn', image]).status).toBe(0);
    expect(inspect(image, 'cat /boot/loader/entries/ostree-1.conf')).toContain(' key39="value 39" ');
    const checksum = must(original(['rev-parse', '--repo=bare', 'extremes'], work)).trim();
    const deployed = `/ostree/deploy/test/deploy/${checksum}.0`;
    expect(inspect(image, `stat "${deployed}/usr/${long}/${long}/ a\\b ""q"" ' é"`)).toContain('Type: regular');
    expect(inspect(image, `stat ${deployed}/usr/bin/sparse`)).toMatch(/Size: 20971520[\s\S]*Blockcount: 0$/m);
    if (attributes) expect(inspect(image, `ea_list ${deployed}/usr/bin/attributes`).match(/\(1500\)/g)).toHaveLength(4);
    rmSync(image);
    try {
      hostFs.setxattr(join(tree, 'usr/bin/huge'), 'user.huge', Buffer.alloc(5000, 1));
    } catch {
      return;
    }
    commit('huge');
    expect(main('huge')).toContain(
      'usr/bin/huge: the extended attribute user.huge has 5000 bytes; an image can hold 4096',
    );
  });

  it('refuses what cannot be', () => {
    const main = (...args: string[]): string =>
      spawnSync(process.execPath, [join(dist, 'main.cjs'), 'coppice', 'image', 'build', ...args], { encoding: 'utf8' })
        .stderr;
    expect(main('--from', 'x', '-o', join(work, 'x.raw'))).toBe('error: Not REPO:REF: x\n');
    expect(main('--from', `${work}/repo:nope`, '-o', join(work, 'x.raw'))).toBe("error: Refspec 'nope' not found\n");
    expect(main('--from', `${work}/repo:two`, '-o', join(work, 'x.raw'), '--size', '1K')).toContain(
      'error: The system needs',
    );
  });
});
