// Daily use in unusual but legal states, at both levels: the original and ours do the same steps, each on a sysroot of its own;
// what they say, how they exit and what they leave must be the same.

import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  baseTree,
  discard,
  listing,
  newest,
  newestSkipReason,
  original,
  ours,
  skipReason,
  temporaryFolder,
  writeTree,
} from './sysroot-support.ts';

/** A call (words; an argument with spaces in quotes is written as a list), or something done to both sysroots by hand. */
type Step = string | readonly string[] | ((root: string) => void);

const deployed = (root: string, name = ''): string => {
  const [found] = spawnSync('sh', ['-c', `ls -d ${root}/ostree/deploy/os/deploy/${name}*.0 | head -n 1`], {
    encoding: 'utf8',
  }).stdout.split('\n');
  return found!;
};

const without = (name: string): Readonly<Record<string, string | null>> =>
  Object.fromEntries(Object.entries(baseTree).filter(([path]) => !path.startsWith(name)));
const noEtc = without('usr/etc');

/** Trees that can be committed by `commit:NAME`. */
const trees: Readonly<Record<string, Readonly<Record<string, string | null>>>> = {
  plain: baseTree,
  next: { ...baseTree, 'usr/bin/next': 'next\n', 'usr/etc/next.conf': 'next\n' },
  kernel: { ...baseTree, 'usr/lib/modules/6.1.0/vmlinuz': 'another\n' },
  noEtc,
  bothEtc: { ...baseTree, 'etc/other.conf': 'x\n' },
  onlyEtc: { ...noEtc, 'etc/only.conf': 'x\n' },
  emptyEtc: { ...baseTree, etc: null },
  onlyEmptyEtc: { ...noEtc, etc: null },
  linkEtc: { ...noEtc, 'usr/other/a': 'a\n', 'usr/etc': '-> other' },
  fileEtc: { ...noEtc, 'usr/etc': 'a file\n' },
  etcLink: { ...baseTree, etc: '-> usr/etc' },
  tmpfiles: { ...baseTree, 'usr/lib/tmpfiles.d/x.conf': '', 'var/given/file': 'given\n' },
  noRelease: without('usr/lib/os-release'),
  badRelease: { ...baseTree, 'usr/lib/os-release': "nonsense\nID=\"un closed\nPRETTY_NAME='It'\"'\"'s' more\n" },
  idOnly: { ...baseTree, 'usr/lib/os-release': '# comment\nID=test\nVERSION_ID=3\n' },
};

const scenarios: Readonly<Record<string, readonly Step[]>> = {
  stateroots: [
    'admin os-init two',
    'admin os-init os',
    ['admin', 'os-init', 'with space'],
    'admin os-init .hidden',
    'admin os-init',
    'admin deploy --os=os plain',
    'admin deploy --os=two kernel',
    'admin status',
    'admin status --json',
    'admin deploy --os=two --not-as-default next',
    'admin deploy plain',
    'admin deploy --os=os',
    'admin deploy --os=os nope',
    'admin set-default 1',
    'admin status',
    'admin set-default 9',
    'admin set-default x',
    'admin set-default',
    'admin set-default 0 1',
    'admin undeploy 0',
    'admin status',
    'refs',
    'admin cleanup',
    'admin undeploy 0',
    'admin undeploy 0',
    'admin undeploy 0',
    'admin status',
    'admin status --json',
  ],
  pins: [
    'admin deploy --os=os plain',
    'admin pin 0',
    'admin pin 0',
    'admin deploy --os=os next',
    'admin deploy --os=os kernel',
    'admin status',
    'admin status --json',
    'admin pin 0 1 2',
    'admin pin -u 2 0',
    'admin pin -u 2',
    'admin pin 7',
    'admin pin x',
    'admin pin',
    'admin pin booted',
    'admin pin pending',
    'admin pin rollback',
    'admin pin -- -1',
    'admin deploy --os=os plain',
    'admin undeploy 1',
    'admin undeploy x',
    'admin undeploy -- -1',
    'admin undeploy 1 2',
    'admin undeploy',
    'admin status',
    'admin pin --unpin 0',
    'admin cleanup extra',
  ],
  arguments: [
    ['admin', 'deploy', '--os=os', '--karg=root=LABEL=x', '--karg=q="a b" c', '--karg-append=w="d  e"', 'plain'],
    ['admin', 'kargs', 'edit-in-place', '--append-if-missing=q="new one"', '--append-if-missing=z="y \'x"'],
    ['admin', 'kargs', 'edit-in-place', '--append-if-missing=z'],
    ['admin', 'kargs', 'edit-in-place', '--append-if-missing='],
    'admin kargs edit-in-place extra',
    'admin kargs',
    'admin kargs nope',
    ['admin', 'deploy', '--os=os', '--karg-append=root=y', '--karg-append=flag', '--karg-append=flag', 'plain'],
    'admin deploy --os=os --karg-delete=root plain',
    'admin deploy --os=os --karg-delete=root=y plain',
    'admin deploy --os=os --karg-delete=flag plain',
    'admin deploy --os=os --karg-delete=nope plain',
    'admin deploy --os=os --karg-delete=root=nope plain',
    ['admin', 'deploy', '--os=os', '--karg-delete=q="a b"', 'plain'],
    'admin deploy --os=os --karg-none --karg=only plain',
    'admin deploy --os=os --karg-none plain',
    ['admin', 'instutil', 'set-kargs', '--append=a=b', '--replace=only=1', 'more', 'k=v'],
    ['admin', 'instutil', 'set-kargs', '--merge', '--append=a=2', '--replace=a=3'],
    'admin instutil set-kargs',
    'admin instutil set-kargs --nope',
    'admin instutil',
    'admin instutil nope',
    'admin deploy --os=os --karg== plain',
    ['admin', 'deploy', '--os=os', '--karg=', 'plain'],
    'admin status',
  ],
  etc: [
    ...['plain', 'onlyEtc', 'bothEtc', 'emptyEtc', 'onlyEmptyEtc', 'linkEtc', 'fileEtc', 'etcLink', 'noEtc'].flatMap(
      (tree) => [`admin deploy --os=os --no-merge ${tree}`, 'admin config-diff --os=os'],
    ),
    'admin deploy --os=os plain',
    'admin deploy --os=os noEtc',
    'admin undeploy 0',
    'admin deploy --os=os noEtc',
    'admin status',
    'admin cleanup',
  ],
  configuration: [
    'admin config-diff',
    'admin config-diff --os=os',
    'admin config-diff --os=nope',
    'admin deploy --os=os plain',
    'admin config-diff --os=os',
    (root) => {
      const etc = `${deployed(root)}/etc`;
      writeTree(etc, {
        'new/deep/file@600': 'x',
        'sp ace\ttab': 'x',
        ünïcode: 'x',
        '.hidden': 'x',
        'to.nowhere': '-> nowhere',
      });
      spawnSync('mkfifo', [`${etc}/fifo`]);
      spawnSync('rm', ['-rf', `${etc}/dir`]);
    },
    'admin config-diff --os=os',
    'admin config-diff --os=os extra',
    'admin deploy --os=os next',
    'admin config-diff --os=os',
    'admin deploy --os=os --no-merge next',
    'admin config-diff --os=os',
    'admin diff',
  ],
  leftovers: [
    'admin deploy --os=os plain',
    'admin deploy --os=os kernel',
    (root) => {
      writeTree(root, {
        'ostree/repo/tmp/junk': 'x',
        'ostree/deploy/os/deploy/file': 'x',
        'boot/ostree/file': 'x',
        'boot/ostree/os-nothex/x': 'x',
        'boot/loader.tmp': '-> loader.0',
        'boot/loader.0/entries/foreign.conf': 'title x\n',
        'boot/loader.1/entries/foreign.conf': 'title x\n',
        'ostree/boot.0.0/os/x': 'x',
        'ostree/boot.0.1/os/x': 'x',
        'ostree/boot.1.0/os/x': 'x',
        'ostree/deploy/two/deploy/file': 'x',
        'ostree/deploy/afile': 'x',
      });
    },
    'admin status',
    'admin cleanup',
    'admin cleanup',
    (root) => mkdirSync(`${root}/ostree/deploy/os/deploy/notadeployment`),
    'admin status',
    'admin cleanup',
    (root) => spawnSync('rmdir', [`${root}/ostree/deploy/os/deploy/notadeployment`]),
    (root) => mkdirSync(`${root}/ostree/deploy/os/deploy/${'a'.repeat(64)}.0`),
    (root) => mkdirSync(`${root}/ostree/deploy/os/deploy/${'a'.repeat(64)}.7`),
    'admin cleanup',
    'admin deploy --os=os next',
  ],
  origins: [
    'admin deploy --os=os plain',
    (root) => unlinkSync(`${deployed(root)}.origin`),
    'admin status',
    'admin status --json',
    'admin upgrade --os=os',
    'admin deploy --os=os next',
    (root) => writeFileSync(`${deployed(root)}.origin`, '[other]\na=b\n'),
    'admin status',
    (root) => writeFileSync(`${deployed(root)}.origin`, '[origin]\nrefspec=bad ref\n'),
    'admin upgrade --os=os',
    (root) =>
      writeFileSync(
        `${deployed(root)}.origin`,
        '[origin]\nunlocked=hotfix\nrefspec=plain\n[libostree-transient]\npinned=true\n',
      ),
    'admin status',
    'admin status --json',
    (root) => writeFileSync(`${deployed(root)}.origin`, '[origin]\nunlocked=sometimes\nrefspec=plain\n'),
    'admin status',
    (root) => writeFileSync(`${deployed(root)}.origin`, 'no key file\n'),
    'admin status',
    'admin deploy --os=os kernel',
  ],
  'origin files': [
    (root) => writeFileSync(`${root}/o`, '[origin]\nrefspec=some:where\nextra=1\n[more]\nx=y\n'),
    'admin deploy --os=os --origin-file=s/o plain',
    'admin status',
    'admin deploy --os=os --origin-file=s/nope plain',
    (root) => writeFileSync(`${root}/o`, 'x'),
    'admin deploy --os=os --origin-file=s/o plain',
    'admin deploy --os=os --overlay-initrd=nope plain',
    'admin deploy --os=os --retain --no-prune next',
    'admin deploy --os=os --retain-pending kernel',
    'admin deploy --os=os --retain-rollback plain',
    'admin deploy --os=os --not-as-default next',
    'admin deploy --os=os --stage plain',
    'admin deploy --os=os --lock-finalization plain',
    'admin deploy --os=os --karg-proc-cmdline --karg-none plain',
    'admin status',
    'admin set-origin --os=os r http://localhost/r b',
    'admin set-origin r http://localhost/r',
    'admin set-origin r',
    'admin set-origin --index=0 r http://localhost/r b',
    'admin set-origin --index=0 -s gpg-verify=false r2 http://localhost/r2 b2',
    'admin status',
    'remote list -u',
  ],
  upgrades: [
    (root) => spawnSync('cp', ['-a', `${root}/ostree/repo`, `${root}/../../remote`]),
    'remote add --no-gpg-verify r file://WORK/remote',
    'refs --delete plain',
    'pull r plain',
    'admin deploy --os=os r:plain',
    'admin upgrade --os=os',
    'admin upgrade --os=os --check',
    'admin upgrade --os=os --preview',
    'admin upgrade',
    'admin upgrade --os=nope',
    'remote: plain next 1700000100',
    'admin upgrade --os=os --pull-only',
    'admin status',
    'admin upgrade --os=os --deploy-only',
    'admin upgrade --os=os --deploy-only',
    'admin status',
    'remote: plain kernel 1690000000',
    'admin upgrade --os=os',
    'admin upgrade --os=os --allow-downgrade',
    'admin status',
    'admin upgrade --os=os --override-commit=nope',
    'admin upgrade --os=os --pull-only --deploy-only',
    'admin upgrade --os=os --stage',
    'admin upgrade --os=os extra',
    'admin switch --os=os next',
    'admin switch --os=os r:next',
    'admin switch --os=os r:next',
    'admin switch --os=os nope:x',
    'admin switch --os=os r:nope',
    'admin switch --os=os',
    'admin switch next',
    'admin status',
    'refs',
  ],
  status: [
    'admin status',
    'admin status extra',
    'admin status --verify',
    'admin status --is-default',
    'admin status --nope',
    'admin deploy --os=os tmpfiles',
    'admin status --verify',
    'admin status --skip-signatures',
    'admin status --is-default',
    'admin --print-current-dir',
    'admin status --print-current-dir',
    'admin',
    'admin nope',
    'admin lock-finalization',
    'admin finalize-staged',
    'admin boot-complete',
    'admin unlock',
    'admin unlock --hotfix',
    'admin prepare-soft-reboot 0',
    'admin state-overlay a b',
    'admin init-fs',
    'admin init-fs s',
    'admin init-fs t',
    'admin init-fs --modern t2',
    (root) => mkdirSync(`${root}/../t3`),
    'admin init-fs --modern t3',
    'admin init-fs -E 2 t3',
    'admin init-fs -E 9 t3',
    'admin init-fs t3',
  ],
  releases: [
    'admin deploy --os=os noRelease',
    'admin deploy --os=os badRelease',
    'admin deploy --os=os idOnly',
    'admin status',
    (root) => rmSync(`${root}/boot/loader`),
    'admin status',
    'admin deploy --os=os plain',
    (root) => {
      rmSync(`${root}/boot/loader`);
      symlinkSync('loader.9', `${root}/boot/loader`);
    },
    'admin status',
    (root) => {
      unlinkSync(`${root}/boot/loader`);
      symlinkSync('loader.1', `${root}/boot/loader`);
    },
    (root) => appendFileSync(`${root}/boot/loader.1/entries/ostree-1.conf`, 'odd\nkey  value with  spaces \nkey2\tv\n'),
    'admin status',
    'admin deploy --os=os --retain next',
    (root) => symlinkSync('nowhere', `${root}/ostree/boot.1.tmp`),
    'admin deploy --os=os --retain kernel',
  ],
};

for (const { level, judge, reason } of [
  { level: '2022.7', judge: original, reason: skipReason },
  { level: '2026.4', judge: newest, reason: newestSkipReason },
]) {
  const why = reason === undefined ? '' : `: ${reason}`;
  describe.skipIf(reason !== undefined)(`daily use at level ${level}${why}`, () => {
    let work: string;

    beforeAll(() => {
      work = temporaryFolder();
      for (const [name, files] of Object.entries(trees)) writeTree(join(work, 'trees', name), files);
      const cwd = join(work, 'base');
      mkdirSync(join(cwd, 's'), { recursive: true });
      const setUp = [
        ['admin', 'init-fs', 's'],
        ['admin', 'os-init', '--sysroot=s', 'os'],
        ['config', '--repo=s/ostree/repo', 'set', 'sysroot.bootloader', 'none'],
        ...Object.keys(trees).map((name, i) => [
          ...['commit', '--repo=s/ostree/repo', '-b', name, `--tree=dir=${work}/trees/${name}`],
          ...[`--timestamp=@${1_700_000_000 + i}`, `--add-metadata-string=version=${i}`],
        ]),
      ];
      for (const args of setUp) expect(judge(args, cwd)).toMatchObject({ status: 0 });
    });
    beforeEach(() => {
      for (const name of ['a', 'b', 'remote']) discard(join(work, name));
      for (const name of ['a', 'b']) spawnSync('cp', ['-a', 'base', name], { cwd: work });
    });
    afterAll(() => discard(work));

    async function perform(who: 'a' | 'b', step: Step): Promise<unknown> {
      const cwd = join(work, who);
      if (typeof step === 'function') {
        step(join(cwd, 's'));
        return undefined;
      }
      const words = typeof step === 'string' ? step.replace('WORK', work).split(' ') : [...step];
      let args = words;
      if (words[0] === 'remote:') {
        const [, branch, tree, time] = words;
        // One remote for both.
        if (who === 'b') return undefined;
        args = [
          'commit',
          '--repo=../remote',
          '-b',
          branch!,
          `--tree=dir=${work}/trees/${tree}`,
          `--timestamp=@${time}`,
        ];
      } else if (words[0] === 'admin') {
        if (words[1] !== undefined && words[1] !== 'init-fs')
          args = [...words.slice(0, 2), '--sysroot=s', ...words.slice(2)];
        if (['kargs', 'instutil'].includes(words[1] ?? ''))
          args = words.length > 2 ? [...words.slice(0, 3), '--sysroot=s', ...words.slice(3)] : words;
      } else args = [words[0]!, '--repo=s/ostree/repo', ...words.slice(1)];
      if (words[0] === 'remote') args = ['remote', words[1]!, '--repo=s/ostree/repo', ...words.slice(2)];
      const outcome = who === 'a' ? await judge(args, cwd) : await ours(args, cwd, {}, level);
      // Paths are those of the first; where the original names a directory by its descriptor, ours does by its path.
      const shown = (text: string): string =>
        text.replaceAll(`${work}/b/`, `${work}/a/`).replaceAll(/“[^”]*(\/usr\/etc|\/etc)”/g, '“DEPLOYMENT$1”');
      return { ...outcome, stdout: shown(outcome.stdout), stderr: shown(outcome.stderr) };
    }

    it.each(Object.entries(scenarios))('%s', async (_name, steps) => {
      const problems: unknown[] = [];
      const skip = (path: string): boolean => /^s\/ostree\/repo\/(tmp|\.lock|objects|state)/.test(path);
      for (const step of steps) {
        const about = step.toString();
        const want = { about, out: await perform('a', step) };
        const got = { about, out: await perform('b', step) };
        if (about.startsWith('remote:')) continue;
        const [left, right] = ['a', 'b'].map((who) => listing(join(work, who), { skip }));
        const missing = left!.filter((line) => !right!.includes(line));
        const extra = right!.filter((line) => !left!.includes(line));
        if (JSON.stringify(want) !== JSON.stringify(got) || missing.length + extra.length > 0) {
          problems.push({
            about,
            want: want.out,
            got: got.out,
            missing: missing.slice(0, 8),
            extra: extra.slice(0, 8),
          });
          if (missing.length + extra.length > 0) {
            discard(join(work, 'b'));
            spawnSync('cp', ['-a', 'a', 'b'], { cwd: work });
          }
        }
      }
      expect(problems).toEqual([]);
    });
  });
}
