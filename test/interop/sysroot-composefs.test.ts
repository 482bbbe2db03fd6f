// Composefs images, their digests and the newest level of deployments against ostree 2026.4 of Debian's unstable suite.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FsVerity } from '@coppice/sysroot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  baseTree,
  discard,
  listing,
  must,
  newest,
  newestSkipReason,
  ours as oursAt,
  temporaryFolder,
  writeTree,
} from './sysroot-support.ts';

const ours = (args: readonly string[], cwd: string) => oursAt(args, cwd, {}, '2026.4');

/** A tree with names, sizes, owners and attributes at every limit of the format; numbers come from a seed. */
const script = `
import os, random
random.seed(int(os.environ['SEED']))
def name(limit): return ''.join(random.choice('-.+_0aZz~é') for _ in range(random.randint(1, limit))) + 'n'
def content(path, n): open(path, 'wb').write(random.randbytes(n))
for n in (0, 1, 2, 4095, 4096, 4097, 128 * 4096, 128 * 4096 + 1, 129 * 4096, random.randint(1, 1 << 20)):
    content('tree/usr/f%d' % n, n)
for i in range(random.randint(0, 60)):
    d = 'tree/usr/' + name(60); os.makedirs(d, exist_ok=True)
    for j in range(random.randint(0, 90)): content(d + '/' + name(110) + str(j), random.randint(0, 3))
for i in range(40): os.symlink('q' * random.randint(1, 1500), 'tree/usr/l%d' % i)
for i in range(random.randint(0, 30)): os.setxattr('tree/usr/f1', 'user.a%d' % i, b'v' * (i + 1))
os.setxattr('tree/usr/f2', 'user.a3', b'vvvv'); os.setxattr('tree/usr/f2', 'trusted.overlay.x', b'1')
os.setxattr('tree/usr', 'user.a3', b'vvvv')
os.chown('tree/usr/f1', 70000, 1); os.chmod('tree/usr/f2', 0o4755)
for x in ('aa', '-x', 'sysroot', 'boot')[:random.randint(0, 4)]: os.mkdir('tree/' + x)
`;

describe.skipIf(newestSkipReason !== undefined)(
  `composefs${newestSkipReason === undefined ? '' : `: ${newestSkipReason}`}`,
  () => {
    let work: string;

    beforeAll(() => {
      work = temporaryFolder();
    });
    afterAll(() => discard(work));

    it.each([1, 2, 3])('makes the same images of generated trees (%i)', async (seed) => {
      spawnSync('rm', ['-rf', 'tree', 'repo', 'image', 'want'], { cwd: work });
      spawnSync('mkdir', ['-p', 'tree/usr'], { cwd: work });
      const made = spawnSync('python3', ['-c', script], { cwd: work, env: { ...process.env, SEED: String(seed) } });
      expect(made.stderr.toString()).toBe('');
      must(newest(['init', '--repo=repo', '--mode=bare'], work));
      const commit = (branch: string): string[] => [
        ...[
          'commit',
          '--repo=repo',
          '-b',
          branch,
          '-s',
          's',
          '--timestamp=@1',
          `--tree=dir=${work}/tree`,
          '--no-bindings',
        ],
        ...['--add-metadata-string=version=1', '--add-metadata-string=foo=x', '--generate-composefs-metadata'],
      ];
      const want = newest(commit('theirs'), work);
      expect(await ours(commit('ours'), work)).toEqual(want);
      for (const option of ['--composefs', '--composefs-noverity']) {
        must(newest(['checkout', '--repo=repo', option, 'theirs', 'want'], work));
        expect(await ours(['checkout', '--repo=repo', option, 'theirs', 'image'], work)).toMatchObject({ status: 0 });
        expect(readFileSync(join(work, 'image')).equals(readFileSync(join(work, 'want'))), option).toBe(true);
      }
    });

    it('refuses what the original refuses', async () => {
      for (const more of ['-U', '-H', '-C', '-M', '--union', '--union-add', '--whiteouts', '--disable-cache'])
        for (const dest of ['image', 'none/image']) {
          const args = ['checkout', '--repo=repo', '--composefs', more, 'theirs', dest];
          expect({ more, ...(await ours(args, work)) }).toEqual({ more, ...newest(args, work) });
        }
    });

    it('deploys the same tree, with the image', async () => {
      for (const [path, text] of Object.entries(baseTree)) {
        const target = join(work, 'os', path);
        spawnSync('mkdir', ['-p', join(target, '..')]);
        if (text !== null) spawnSync('tee', [target], { input: text });
      }
      spawnSync('mkdir', ['base'], { cwd: work });
      must(newest(['admin', 'init-fs', 'base'], work));
      must(newest(['admin', 'stateroot-init', '--sysroot=base', 'os'], work));
      must(newest(['commit', '--repo=base/ostree/repo', '-b', 'os', '-s', 'x', '--tree=dir=os'], work));
      for (const name of ['a', 'b']) spawnSync('cp', ['-a', 'base', name], { cwd: work });
      const skip = (path: string): boolean => path.startsWith('ostree/repo');
      for (let round = 0; round < 2; round++) {
        const args = (root: string): string[] => ['admin', 'deploy', `--sysroot=${root}`, '--os=os', 'os'];
        expect(await ours(args('b'), work)).toEqual(newest(args('a'), work));
        expect(listing(join(work, 'b'), { skip })).toEqual(listing(join(work, 'a'), { skip }));
      }
    });

    // What the tree's prepare-root.conf asks for decides whether the image has digests, and whether the commit's is looked at.
    it.each([
      'verity',
      'signed',
      'maybe',
      'sometimes',
      'yes\n[root]\ntransient=1\ntransient-ro=1',
      'x\nnot a key file',
    ])('deploys for composefs.enabled=%j as the original does', async (enabled) => {
      for (const name of ['a', 'b', 'conf']) discard(join(work, name));
      const config = { 'usr/lib/ostree/prepare-root.conf': `[composefs]\nenabled=${enabled}\n` };
      writeTree(join(work, 'conf'), { ...baseTree, ...config, 'usr/bin/big': 'x'.repeat(9000) });
      mkdirSync(join(work, 'a'));
      must(newest(['admin', 'init-fs', 'a'], work));
      must(newest(['admin', 'stateroot-init', '--sysroot=a', 'os'], work));
      const commits: Record<string, string[]> = {
        plain: [],
        promised: ['--generate-composefs-metadata'],
        wrong: [`--add-metadata=ostree.composefs.digest.v0=[${Array(32).fill('byte 1').join(',')}]`],
        short: ['--add-metadata=ostree.composefs.digest.v0=[byte 1]'],
      };
      for (const [branch, more] of Object.entries(commits))
        must(newest(['commit', '--repo=a/ostree/repo', '-b', branch, '-s', 'x', '--tree=dir=conf', ...more], work));
      spawnSync('cp', ['-a', 'a', 'b'], { cwd: work });
      for (const branch of Object.keys(commits)) {
        const args = (root: string): string[] => ['admin', 'deploy', `--sysroot=${root}`, '--os=os', branch];
        expect({ branch, ...(await ours(args('b'), work)) }).toEqual({ branch, ...newest(args('a'), work) });
      }
      // Times of trees that were given up: the original made their image under no name.
      const shown = (root: string): string[] =>
        listing(join(work, root), { skip: (path) => path.startsWith('ostree/repo') }).map((line) =>
          line.replace(/^(ostree\/deploy\/os\/deploy\/[^/ ]* .*) (epoch|now)$/, '$1'),
        );
      expect(shown('b')).toEqual(shown('a'));
    });

    it('measures as the kernel does, in pieces of any length', () => {
      const bytes = Buffer.alloc(128 * 128 * 4096 + 5, 'coppice');
      for (const size of [0, 1, 4096, 4097, 128 * 4096, 128 * 4096 + 1, bytes.length]) {
        const whole = new FsVerity().update(bytes.subarray(0, size)).digest().toString('hex');
        const pieces = new FsVerity();
        for (let at = 0; at < size; at += 65_537) pieces.update(bytes.subarray(at, Math.min(size, at + 65_537)));
        expect(pieces.digest().toString('hex')).toBe(whole);
      }
    });
  },
);
