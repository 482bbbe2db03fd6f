// `db` on two composed trees: changelogs as rpm tells them, advisories out of an updateinfo that modifyrepo_c put in place.
import { join } from 'node:path';
import type { PackageSpec } from '@coppice/rpm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootable, ComposeFolder, simplePackage, textFile } from './rpm-ostree-compose-support.ts';
import { original, type Ran, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'rpm', 'createrepo_c', 'modifyrepo_c', 'bwrap');
const day = (n: number): number => 1_577_836_800 + n * 86_400 + 43_200;

const updateinfo = `<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update from="a" status="stable" type="security" version="1">
    <id>LAB-2020-2</id><title>alpha</title><issued date="2020-02-01 00:00:00"/><severity>Important</severity>
    <references>
      <reference href="https://example.org/bug/7" id="7" type="bugzilla" title="CVE-2020-0007 alpha: too open"/>
      <reference href="https://example.org/bug/8" id="8" type="bugzilla" title="no such thing"/>
    </references>
    <pkglist><collection short="x"><name>x</name>
      <package name="alpha" version="2" release="1" epoch="0" arch="noarch" src="s"><filename>f</filename></package>
      <package name="alpha-libs" version="2" release="1" epoch="0" arch="noarch" src="s"><filename>f</filename></package>
    </collection></pkglist>
  </update>
  <update from="a" status="stable" type="security" version="1">
    <id>LAB-1</id><title>beta</title><issued date="2020-02-01 00:00:00"/><severity>Low</severity>
    <pkglist><collection short="x"><name>x</name>
      <package name="beta" version="1" release="1" epoch="0" arch="noarch" src="s"><filename>f</filename></package>
    </collection></pkglist>
  </update>
  <update from="a" status="stable" type="bugfix" version="1">
    <id>LAB-3</id><title>beta</title><issued date="2020-02-01 00:00:00"/><severity>None</severity>
    <pkglist><collection short="x"><name>x</name>
      <package name="beta" version="1" release="1" epoch="0" arch="noarch" src="s"><filename>f</filename></package>
    </collection></pkglist>
  </update>
</updates>
`;

describe.skipIf(reason !== undefined)(`db ${reason ?? ''}`, () => {
  let folder: ComposeFolder;
  let dir: string;
  let commits: [string, string];

  const db = (...args: string[]): Promise<Ran> => folder.rpmOstree('db', ...args, `--repo=${join(dir, 'repo')}`);
  const ostree = (...args: string[]): string => folder.ostree(...args);

  async function compose(version: string): Promise<string> {
    const log = [
      { time: day(40), author: 'A Person <a@example.org> - 2-1', text: '- a second build\n- with two lines' },
      { time: day(30), author: 'B Person <b@example.org> - 1.5-1', text: '- one in between' },
      { time: day(10), author: 'A Person <a@example.org> - 1-1', text: '- the first' },
    ];
    const spec = (name: string, more: Partial<PackageSpec> = {}): PackageSpec =>
      simplePackage(name, [textFile(`/usr/share/${name}`, version)], {
        version,
        sourceRpm: `alpha-${version}-1.src.rpm`,
        changelog: version === '1' ? log.slice(2) : log,
        ...more,
      });
    const beta = spec('beta', { version: '1', sourceRpm: 'beta-1-1.src.rpm' });
    const yum = folder.publish(`local${version}`, [
      ...ComposeFolder.world('base'),
      spec('alpha'),
      spec('alpha-libs'),
      ...(version === '1' ? [] : [beta]),
    ]);
    folder.write('updateinfo.xml', updateinfo);
    original('modifyrepo_c', '--mdtype=updateinfo', join(dir, 'updateinfo.xml'), join(yum, 'repodata'));
    folder.write(
      'manifest.yaml',
      `${bootable}packages-x86_64: [alpha, alpha-libs${version === '1' ? '' : ', beta'}]\nref: test\nrepos: [local${version}]\n`,
    );
    const ran = await folder.tree('manifest.yaml');
    expect(ran.stderr).toBe('');
    return ostree('rev-parse', 'test').trim();
  }

  beforeAll(async () => {
    folder = new ComposeFolder('db', 'bare');
    ({ dir } = folder);
    commits = [await compose('1'), await compose('2')];
  });
  afterAll(() => folder.end());

  test('changelogs of upgraded packages: what rpm tells of the new build and not of the old', async () => {
    const logs = commits.map((commit, i) => {
      const root = join(dir, `root-${i}`);
      ostree('checkout', '-U', commit, root);
      return original('rpm', '-q', '--changelog', 'alpha', '--dbpath', '/usr/share/rpm', '--root', root);
    });
    const news = logs[1]!.slice(0, logs[1]!.length - logs[0]!.length);
    expect(news).toContain('in between');
    const text = news
      .trimEnd()
      .split('\n')
      .map((line) => (line === '' ? '' : `    ${line}`))
      .join('\n');
    const { stdout } = await db('diff', '--changelogs', ...commits);
    expect(stdout).toBe(
      `ostree diff commit from: ${commits[0]}\nostree diff commit to:   ${commits[1]}\n` +
        `Upgraded:\n  alpha 1-1 -> 2-1\n  alpha-libs 1-1 -> 2-1\n${text}\n\nAdded:\n  beta-1-1.noarch\n`,
    );
  });

  test('advisories: of a commit, and new between two; numbers of composed commits are big-endian', async () => {
    const raw = ostree('show', '--print-metadata-key=rpmostree.advisories', commits[1]);
    // The original takes numbers for big-endian when it prints them.
    expect(raw).toContain("('LAB-2020-2', 1, 3, ['alpha-2-1.noarch', 'alpha-libs-2-1.noarch']");
    expect(raw).not.toContain('LAB-3');
    const text = [
      'SecAdvisories:',
      '    LAB-1       Low        beta-1-1.noarch',
      '    LAB-2020-2  Important  alpha-2-1.noarch',
      '    LAB-2020-2  Important  alpha-libs-2-1.noarch',
      '      CVE-2020-0007 alpha: too open',
      '      https://example.org/bug/7',
      '',
    ].join('\n');
    expect((await db('diff', '--advisories', ...commits)).stdout).toMatch(new RegExp(`\n\n${text}$`));
    expect((await db('list', '--advisories', commits[1], 'alph')).stdout).toBe(
      `ostree commit: ${commits[1]}\n alpha-2-1.noarch\n alpha-libs-2-1.noarch\n\n${text}`,
    );
    expect((await db('list', '--advisories', commits[0], 'alpha')).stdout).not.toContain('SecAdvisories');
    const json = JSON.parse((await db('diff', '--format=json', ...commits)).stdout) as { advisories: unknown[] };
    expect(json.advisories).toContainEqual([
      'LAB-2020-2',
      1,
      3,
      ['alpha-2-1.noarch', 'alpha-libs-2-1.noarch'],
      { cve_references: [['https://example.org/bug/7', 'CVE-2020-0007 alpha: too open']] },
    ]);
  });

  test('formats that cannot show what was asked for', async () => {
    const wrong = async (...args: string[]): Promise<string> => (await db('diff', ...args, ...commits)).stderr;
    expect(await wrong('--format=json', '-c')).toContain('json format and --changelogs not supported');
    expect(await wrong('--format=diff', '-a')).toContain('diff format and --advisories not supported');
    expect(await wrong('--format=x')).toContain('Format argument is invalid, pick one of: diff, block, json');
    expect((await db('diff', 'a', 'b', 'c')).stderr).toContain('"rpm-ostree db diff" takes at most 2 arguments');
  });
});
