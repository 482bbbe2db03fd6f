// The original and ours take turns on one sysroot while the original alone does the same steps on another.

import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
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
  ours as oursAt,
  random,
  skipReason,
  temporaryFolder,
  writeTree,
} from './sysroot-support.ts';

const commits = 6;

describe.each([
  { level: '2022.7', reason: skipReason, judge: original },
  { level: '2026.4', reason: newestSkipReason, judge: newest },
])('turns on a sysroot at $level', ({ level, reason, judge }) => {
  if (reason !== undefined) {
    it.skip(reason);
    return;
  }
  const ours = (args: readonly string[], cwd: string) => oursAt(args, cwd, {}, level);
  let work: string;
  const checksums: string[] = [];

  beforeAll(() => {
    work = temporaryFolder();
    must(judge(['init', '--repo=source', '--mode=archive'], work));
    for (let i = 0; i < commits; i++) {
      const tree = join(work, `tree${i}`);
      writeTree(tree, baseTree);
      writeFileSync(join(tree, 'usr/bin/tool'), `#!/bin/sh\necho ${i}\n`);
      writeFileSync(join(tree, 'usr/etc/app/app.conf'), `a=${i}\n`);
      if (i % 2 === 1) writeFileSync(join(tree, 'usr/etc/odd'), `${i}\n`);
      if (i >= 3) writeFileSync(join(tree, 'usr/lib/modules/6.1.0/vmlinuz'), `kernel ${i}\n`);
      if (i === 5)
        writeTree(tree, { 'usr/lib/modules/6.1.0/dtb/a.dtb': 'dtb\n', 'usr/lib/modules/6.1.0/dtb/v/b.dtb': 'b\n' });
      const version = i === 4 ? [] : [`--add-metadata-string=version=${i}.0`];
      const branch = i % 2 === 0 ? 'stable' : 'next';
      checksums.push(
        must(
          judge(
            [
              'commit',
              '--repo=source',
              '-b',
              branch,
              '-s',
              `c${i}`,
              ...version,
              `--tree=dir=${tree}`,
              `--timestamp=@${1700000000 + i}`,
            ],
            work,
          ),
        ).trim(),
      );
    }
    const a = join(work, 'a');
    spawnSync('mkdir', [a]);
    must(judge(['admin', 'init-fs', 'a'], work));
    for (const os of ['first', 'second']) must(judge(['admin', 'os-init', `--sysroot=a`, os], work));
    for (const sum of checksums) must(judge(['pull-local', '--repo=a/ostree/repo', 'source', sum], work));
    for (const [i, sum] of checksums.entries())
      must(judge(['refs', '--repo=a/ostree/repo', `--create=keep/${i}`, sum], work));
    must(judge(['refs', '--repo=a/ostree/repo', '--create=main', checksums[0]!], work));
    must(judge(['refs', '--repo=a/ostree/repo', '--create=alt', checksums[1]!], work));
    spawnSync('cp', ['-a', 'a', 'b'], { cwd: work });
  });
  afterAll(() => discard(work));

  const skip = (path: string): boolean => /^ostree\/repo\/(tmp|state|\.lock|objects)/.test(path);

  /** Objects may be compared by name only: their content is their name. */
  const objects = (root: string): string[] =>
    readdirSync(join(work, root, 'ostree/repo/objects'), { recursive: true })
      .map(String)
      .sort();

  const plain = (text: string, root: string): string =>
    text.replaceAll(`/${root}/`, '/R/').replaceAll(`=${root}`, '=R');

  async function step(args: (root: string) => string[], turn: 'original' | 'ours'): Promise<void> {
    const want = judge(args('a'), work);
    // The first deployment of a stateroot with --karg-delete crashes it, before anything is changed.
    if (want.status === -1) return;
    const got: Outcome = turn === 'original' ? judge(args('b'), work) : await ours(args('b'), work);
    const shown = args('R').join(' ');
    expect({ shown, ...got, stdout: plain(got.stdout, 'b'), stderr: plain(got.stderr, 'b') }).toEqual({
      shown,
      ...want,
      stdout: plain(want.stdout, 'a'),
      stderr: plain(want.stderr, 'a'),
    });
    expect(listing(join(work, 'b'), { skip }), shown).toEqual(listing(join(work, 'a'), { skip }));
    expect(objects('b'), shown).toEqual(objects('a'));
    const status = ['admin', 'status', '--sysroot=b'];
    expect(await ours(status, work)).toEqual(judge(status, work));
  }

  /** The same local change of /etc on both sides. */
  function editEtc(pick: (below: number) => number): void {
    const deploy = join(work, 'a/ostree/deploy/first/deploy');
    if (!existsSync(deploy)) return;
    const trees = readdirSync(deploy).filter((name) => !name.endsWith('.origin'));
    const tree = trees[pick(trees.length)];
    if (tree === undefined) return;
    const what = pick(4);
    const tag = pick(1000);
    for (const root of ['a', 'b']) {
      const etc = join(work, root, 'ostree/deploy/first/deploy', tree, 'etc');
      if (what === 0) appendFileSync(join(etc, 'hosts'), `# ${tag}\n`);
      else if (what === 1) writeTree(etc, { [`new${tag}/file@640`]: `${tag}\n` });
      else if (what === 2) rmSync(join(etc, 'app/other.conf'), { force: true });
      else writeFileSync(join(etc, 'app/app.conf'), `local=${tag}\n`);
    }
  }

  it('agrees after each of 100 seeded steps', async () => {
    const pick = random(Number(process.env.COPPICE_SEED ?? 20261125));
    const one = <T>(list: readonly T[]): T => list[pick(list.length)]!;
    const os = (): string => (pick(4) === 0 ? 'second' : 'first');
    const index = (): string => String(pick(4));
    const flags = (): string[] => {
      const out: string[] = [];
      if (pick(3) === 0)
        out.push(
          one(['--retain', '--retain-pending', '--retain-rollback', '--not-as-default', '--no-merge', '--no-prune']),
        );
      if (pick(4) === 0) out.push(`--karg=root=LABEL=${pick(3)}`);
      if (pick(4) === 0) out.push(`--karg-append=console=tty${pick(3)}`);
      if (pick(6) === 0) out.push('--karg-append=quiet');
      if (pick(8) === 0)
        out.push(one(['--karg-delete=quiet', '--karg-delete=console', '--karg-delete=console=tty1', '--karg-none']));
      return out;
    };
    for (let i = 0; i < 100; i++) {
      const turn = pick(3) === 0 ? 'original' : 'ours';
      const choice = pick(14);
      if (pick(3) === 0) editEtc(pick);
      const extra = flags();
      const ref = pick(3) === 0 ? checksums[pick(commits)]! : `keep/${pick(commits)}`;
      const name = os();
      const n = index();
      const words: string[] =
        choice < 6
          ? ['admin', 'deploy', `--os=${name}`, ...extra, choice === 5 ? 'main' : ref]
          : choice < 8
            ? ['admin', 'undeploy', n]
            : choice === 8
              ? ['admin', 'cleanup']
              : choice === 9
                ? ['admin', 'pin', ...(pick(2) === 0 ? ['-u'] : []), n]
                : choice === 10
                  ? ['admin', 'instutil', 'set-kargs', '--merge', `--replace=root=X${pick(3)}`, `k=${pick(5)}`]
                  : choice === 11
                    ? ['admin', 'kargs', 'edit-in-place', `--append-if-missing=late${pick(3)}=1`]
                    : choice === 12
                      ? ['admin', 'switch', `--os=${name}`, one(['main', 'alt', 'keep/2'])]
                      : ['admin', 'upgrade', `--os=${name}`, '--allow-downgrade'];
      if (choice === 13) {
        const target = checksums[pick(commits)]!;
        for (const root of ['a', 'b'])
          must(judge(['refs', `--repo=${root}/ostree/repo`, '--force', '--create=main', target], work));
      }
      await step(
        (root) => [
          words[0]!,
          words[1]!,
          ...words.slice(2, words[1] === 'instutil' || words[1] === 'kargs' ? 3 : 2),
          `--sysroot=${root}`,
          ...words.slice(words[1] === 'instutil' || words[1] === 'kargs' ? 3 : 2),
        ],
        turn,
      );
    }
  });
});
