// The article from beginning to end, its transcript against ours, and the original tools on what is left.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { articleSteps, heldAgainstArticle, playStep } from './article.ts';
import { missingPrograms, Scene } from './scene.ts';
import { withoutSlips } from './slips.ts';

const reason = missingPrograms('bwrap', 'script');

describe.skipIf(reason !== undefined)(`the article at level 2020 ${reason ?? ''}`, () => {
  const scene = new Scene({ COPPICE_ERA: '2020' });
  beforeAll(() => scene.lab());
  afterAll(() => scene.end());

  const inodes: string[] = [];
  articleSteps().forEach((step, i) => {
    test(`${i + 1}. ${step.command}`, async () => {
      if (/^rpm-ostree upgrade/.test(step.command)) {
        scene.must(
          'coppice',
          'lab',
          'promote',
          'lab',
          'testing',
          'stable',
          '--release',
          '31.20200210.3.0',
          '--timestamp',
          '1582300000',
        );
      }
      const played = await playStep(scene.stage, step);
      expect(played.status, played.lines.join('\n')).toBe(step.status ?? 0);
      if (step.command.startsWith('ls -alid')) inodes.push(/^\s*(\d+) /.exec(played.lines[0]!)![1]!);
      const { expected, actual } = heldAgainstArticle(played);
      expect(actual).toEqual(withoutSlips(step, expected));
    });
  });

  test("today's wording of the same", () => {
    const today = { COPPICE_ERA: '' };
    const status = scene.inside('fcos', 'rpm-ostree status', today).stdout.split('\n');
    expect(status[0]).toBe('State: idle');
    expect(status[1]).toBe('Deployments:');
    expect(status).toContain('● fedora:fedora/x86_64/coreos/stable');
    expect(status.some((line) => / LayeredPackages: buildah tcpdump$/.test(line))).toBe(true);
    const again = scene.inside('fcos', 'rpm-ostree install buildah', today);
    expect(again).toMatchObject({ status: 0 });
    expect(again.stdout.trim().split('\n').at(-1)).toBe(
      'Changes queued for next boot. Run "systemctl reboot" to start a reboot',
    );
  });

  test('/usr and the booted deployment have one inode', () => {
    expect(inodes.length).toBe(2);
    expect(inodes[0]).toBe(inodes[1]);
  });

  test('upgrade -r rebooted into the new release', () => {
    expect(scene.mustInside('fresh', 'rpm-ostree status --booted')).toContain('31.20200210.3.0');
    expect(scene.mustInside('fresh', 'buildah --version')).toContain('buildah version 1.12.0');
  });

  describe.skipIf(missingPrograms('ostree') !== undefined)(
    'the original ostree on the same repository and sysroot',
    () => {
      const compat = { COPPICE_COMPAT: 'ostree=2022.7', COPPICE_ERA: '' };
      const both = (...args: string[]): { ours: string; theirs: string } => {
        const theirs = scene.host('/usr/bin/ostree', args);
        const ours = scene.host('ostree', args, { env: compat });
        expect(theirs.status, theirs.stderr).toBe(0);
        expect(ours.status, ours.stderr).toBe(0);
        return { ours: ours.stdout, theirs: theirs.stdout };
      };
      test.each(['fcos', 'fresh'])('%s', (name) => {
        const sysroot = scene.sysroot(name);
        const repo = `--repo=${sysroot}/ostree/repo`;
        const status = both('admin', 'status', `--sysroot=${sysroot}`);
        expect(status.ours).toBe(status.theirs);
        const refs = both('refs', repo);
        expect(refs.ours.split('\n').sort()).toEqual(refs.theirs.split('\n').sort());
        for (const ref of refs.theirs.trim().split('\n')) {
          for (const verb of [['ls', '-R', '-C', '-X'], ['log'], ['show']]) {
            const { ours, theirs } = both(verb[0]!, repo, ...verb.slice(1), ref);
            expect(ours).toBe(theirs);
          }
        }
        const fsck = both('fsck', repo);
        expect(fsck.ours).toBe(fsck.theirs);
      });
      test('a fresh repository pulls from the lab with gpg-verify=true', () => {
        const repo = `--repo=${scene.dir}/fresh-repo`;
        scene.must('/usr/bin/ostree', 'init', repo, '--mode=archive');
        scene.must(
          '/usr/bin/ostree',
          'remote',
          'add',
          repo,
          'lab',
          `${scene.url}repo`,
          '--set=gpg-verify=true',
          '--set=gpg-verify-summary=true',
          `--gpg-import=${scene.stage.dir}/lab/www/key.asc`,
        );
        scene.must('/usr/bin/ostree', 'pull', repo, 'lab', 'fedora/x86_64/coreos/stable');
        scene.must('/usr/bin/ostree', 'fsck', repo);
      });
    },
  );

  describe.skipIf(missingPrograms('rpm', 'dnf', 'rpm2cpio', 'cpio') !== undefined)('rpm and dnf on the lab', () => {
    test('rpm accepts every package', () => {
      const files = scene.must('sh', '-c', 'find lab/www/packages -name "*.rpm" | sort').trim().split('\n');
      expect(files.length).toBeGreaterThan(40);
      const db = `${scene.dir}/rpmdb`;
      scene.must('rpm', '--dbpath', db, '--import', 'lab/www/key.asc');
      const checked = scene
        .must('rpm', '--dbpath', db, '-K', ...files)
        .trim()
        .split('\n');
      expect(checked.filter((line) => !line.endsWith(': digests signatures OK'))).toEqual([]);
      expect(checked.length).toBe(files.length);
      for (const file of files) {
        const listed = scene
          .must('sh', '-c', `rpm2cpio ${file} | cpio -t --quiet`)
          .trim()
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => line.replace(/^\./, ''));
        const dumped = scene
          .must('rpm', '--dbpath', db, '-qp', '--dump', file)
          .trim()
          .split('\n')
          .filter((line) => line.startsWith('/'))
          .map((line) => line.split(' ')[0]);
        expect(listed.sort()).toEqual(dumped.sort());
      }
    });
    test('dnf reads the repository', () => {
      const found = scene.must(
        'dnf',
        '-q',
        '--installroot',
        `${scene.dir}/dnf`,
        '--setopt=reposdir=/none',
        '--repofrompath',
        `lab,${scene.url}packages/`,
        '--repo',
        'lab',
        'repoquery',
        '--qf',
        '%{name}',
        'buildah',
        'tcpdump',
        'kernel',
      );
      expect([...new Set(found.trim().split('\n'))].sort()).toEqual(['buildah', 'kernel', 'tcpdump']);
    });
    test('the deployed package database lists what rpm-ostree says', () => {
      const sysroot = scene.sysroot('fresh');
      const root = scene.must('sh', '-c', `ls -d ${sysroot}/ostree/deploy/*/deploy/*.[0-9] | head -n 1`).trim();
      const listed = scene
        .must('rpm', '-qa', '--root', root, '--dbpath', '/usr/share/rpm', '--qf', '%{nevra}\\n')
        .trim()
        .split('\n')
        .sort();
      expect(listed.length).toBeGreaterThan(30);
      const commit = /([0-9a-f]{64})\.\d+$/.exec(root)![1]!;
      const ours = scene
        .mustInside('fresh', `rpm-ostree db list ${commit}`)
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.trim().replace(/-0:/, '-'))
        .sort();
      expect(ours).toEqual(listed);
    });
  });
});
