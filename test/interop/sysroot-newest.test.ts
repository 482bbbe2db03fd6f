// The verbs of `ostree admin` at the newest level against ostree 2026.4 of Debian's unstable suite, one sysroot each.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  baseTree,
  discard,
  listing,
  must,
  newest,
  newestSkipReason,
  ours,
  temporaryFolder,
  writeTree,
} from './sysroot-support.ts';

const verbs: readonly string[] = [
  'status',
  'status --json',
  'status -D',
  'stateroot-init os',
  'stateroot-init os',
  'os-init other',
  'deploy --os=nope os',
  'deploy --os=os nope',
  'deploy os',
  'deploy --os=os --karg=a=b --karg=quiet os',
  'status',
  'status --json',
  'deploy --os=os --karg-append=c --karg-delete=quiet --retain os',
  'deploy --os=os --stateroot=other os',
  'deploy --os=other --not-as-default os',
  'deploy --os=os --no-merge --karg-none --retain next',
  'status',
  'status -J',
  'status --is-default',
  'status -S',
  'set-default 1',
  'set-default 9',
  'set-default x',
  'set-default',
  'status',
  'pin 0',
  'pin -u 1',
  'pin 1 2',
  'pin 77',
  'status --json',
  'undeploy 0',
  'undeploy 9',
  'undeploy',
  'lock-finalization',
  'lock-finalization -u',
  'config-diff --os=os',
  'config-diff --os=nope',
  'kargs edit-in-place --append-if-missing=zz=1',
  'kargs',
  'kargs nope',
  'instutil',
  'instutil set-kargs --append=q=1 --import-proc-cmdline',
  'instutil set-kargs x=1 y=2',
  'set-origin --index=0 origin http://example.invalid os',
  'set-origin origin',
  'status',
  'switch --os=os next',
  'switch --os=os next',
  'upgrade --os=os',
  'upgrade --os=other --allow-downgrade',
  'upgrade --os=os --override-commit=zz',
  'unlock',
  'unlock --hotfix --transient',
  'finalize-staged',
  'boot-complete',
  'post-copy',
  'cleanup',
  'state-overlay',
  'prepare-soft-reboot',
  'prepare-soft-reboot 9',
  'prepare-soft-reboot',
  'nope',
  '',
];

describe.skipIf(newestSkipReason !== undefined)(
  `the newest level${newestSkipReason === undefined ? '' : `: ${newestSkipReason}`}`,
  () => {
    let work: string;

    beforeAll(() => {
      work = temporaryFolder();
      mkdirSync(join(work, 'a'));
      must(newest(['admin', 'init-fs', 'a'], work));
      const tree = join(work, 'tree');
      writeTree(tree, baseTree);
      for (const branch of ['os', 'next'])
        must(
          newest(
            [
              ...['commit', '--repo=a/ostree/repo', '-b', branch, '-s', branch, '--timestamp=@1'],
              ...[`--tree=dir=${tree}`, `--add-metadata-string=version=${branch}1`],
            ],
            work,
          ),
        );
      spawnSync('cp', ['-a', 'a', 'b'], { cwd: work });
    });
    afterAll(() => discard(work));

    it.each(['', '--modern', '--epoch=0', '--epoch=1', '--epoch=2', '--epoch=3'])('init-fs %s', async (flag) => {
      spawnSync('rm', ['-rf', 'fs-a', 'fs-b'], { cwd: work });
      for (const name of ['fs-a', 'fs-b']) mkdirSync(join(work, name));
      const args = (root: string): string[] => ['admin', 'init-fs', ...(flag === '' ? [] : [flag]), root];
      expect(await ours(args('fs-b'), work, {}, '2026.4')).toEqual(newest(args('fs-a'), work));
      expect(listing(join(work, 'fs-b'))).toEqual(listing(join(work, 'fs-a')));
    });

    it('says and leaves the same after every verb', async () => {
      const wrong: unknown[] = [];
      const skip = (path: string): boolean => path.startsWith('ostree/repo/');
      for (const line of verbs) {
        const words = line.split(' ').filter((word) => word !== '');
        const args = (root: string): string[] => ['admin', ...words, ...(line === '' ? [] : [`--sysroot=${root}`])];
        const want = newest(args('a'), work);
        const got = await ours(args('b'), work, {}, '2026.4');
        if (JSON.stringify(got) !== JSON.stringify(want)) wrong.push({ line, got, want });
        const [b, a] = ['b', 'a'].map((root) => listing(join(work, root), { skip }));
        if (JSON.stringify(a) !== JSON.stringify(b))
          wrong.push({ line, missing: a!.filter((x) => !b!.includes(x)), extra: b!.filter((x) => !a!.includes(x)) });
      }
      expect(wrong).toEqual([]);
    });
  },
);
