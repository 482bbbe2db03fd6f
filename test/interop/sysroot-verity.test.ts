// Sealing with fs-verity where the file system cannot: at both levels, whatever the config asks for, ours refuses and goes on
// like the original. What is sealed where it can be is judged in a virtual machine, by test/judges/verity.sh.

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
  type Outcome,
  original,
  ours,
  skipReason,
  temporaryFolder,
  writeTree,
} from './sysroot-support.ts';

const configs: readonly (readonly [key: string, value: string])[] = [
  ['ex-integrity.fsverity', 'no'],
  ['ex-integrity.fsverity', 'maybe'],
  ['ex-integrity.fsverity', 'yes'],
  ['ex-integrity.fsverity', 'bogus'],
  ['ex-integrity.composefs', 'yes'],
  ['ex-fsverity.required', 'true'],
  ['ex-fsverity.required', 'bogus'],
  ['ex-fsverity.opportunistic', 'true'],
];

type Run = (args: readonly string[], cwd: string) => Outcome | Promise<Outcome>;

for (const { level, judge, reason } of [
  { level: '2022.7', judge: original as Run, reason: skipReason },
  { level: '2026.4', judge: newest as Run, reason: newestSkipReason },
]) {
  const why = reason === undefined ? '' : `: ${reason}`;
  describe.skipIf(reason !== undefined)(`fs-verity without support at level ${level}${why}`, () => {
    let work: string;
    beforeAll(async () => {
      work = temporaryFolder();
      writeTree(join(work, 'tree'), { ...baseTree, 'usr/bin/big': 'x'.repeat(20_000), 'usr/bin/link': '-> big' });
      mkdirSync(join(work, 's'));
      const setUp = [
        ['admin', 'init-fs', 's'],
        ['admin', 'os-init', '--sysroot=s', 'os'],
        ['commit', '--repo=s/ostree/repo', '-b', 'os', '--tree=dir=tree', '--timestamp=@1700000000'],
      ];
      for (const args of setUp) must(await judge(args, work));
    });
    afterAll(() => discard(work));

    it.each(configs)('%s=%s', async (key, value) => {
      const results: unknown[] = [];
      for (const [name, run] of [
        ['original', judge],
        ['ours', (args, cwd) => ours(args, cwd, {}, level)],
      ] as const satisfies readonly (readonly [string, Run])[]) {
        const cwd = join(work, `${key}-${value}-${name}`);
        mkdirSync(cwd);
        const { status } = spawnSync('cp', ['-a', join(work, 's'), cwd]);
        expect(status).toBe(0);
        // Written by the one that takes any value.
        must(original(['config', '--repo=s/ostree/repo', 'set', key, value], cwd));
        const outcomes: Outcome[] = [];
        for (const args of [
          [
            'commit',
            '--repo=s/ostree/repo',
            '-b',
            'more',
            `--tree=dir=${work}/tree/usr/lib`,
            '--timestamp=@1700000000',
          ],
          ['admin', 'deploy', '--sysroot=s', '--os=os', 'os'],
          ['admin', 'post-copy', '--sysroot=s'],
          ['admin', 'status', '--sysroot=s'],
          ['fsck', '--repo=s/ostree/repo', '-q'],
        ])
          outcomes.push(await run(args, cwd));
        const objects = listing(join(cwd, 's'), {
          skip: (path) => /^(boot|ostree\/boot|ostree\/repo\/tmp)/.test(path),
        });
        // The original tried its image under no name, which leaves no trace in the time of the tree that it gave up.
        const failed = outcomes[1]?.status === 1;
        results.push({ outcomes, objects: objects.map((line) => (failed ? line.replace(/ (epoch|now)$/, '') : line)) });
      }
      expect(results[1]).toEqual(results[0]);
    });
  });
}
