// Composing from treefiles with packages indexed by createrepo_c; rpm, the original ostree and tar judge the results.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import { OciLayout } from '@coppice/oci';
import { Repo } from '@coppice/ostree';
import { buildPackage, type FileSpec, type PackageSpec } from '@coppice/rpm';
import { importImage, packagesOf } from '@coppice/rpm-ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ComposeFolder, simplePackage as extra } from './rpm-ostree-compose-support.ts';
import { original, type Ran, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'rpm', 'createrepo_c', 'bwrap');

const policy: FileSpec[] = [
  { path: '/etc/selinux/config', mode: 0o644, content: Buffer.from('SELINUX=enforcing\nSELINUXTYPE=targeted\n') },
  {
    path: '/etc/selinux/targeted/contexts/files/file_contexts',
    mode: 0o644,
    content: Buffer.from(
      '/.*\tsystem_u:object_r:default_t:s0\n/usr(/.*)?\tsystem_u:object_r:usr_t:s0\n/etc(/.*)?\tsystem_u:object_r:etc_t:s0\n/usr/bin(/.*)?\tsystem_u:object_r:bin_t:s0\n',
    ),
  },
  {
    path: '/etc/selinux/targeted/contexts/files/file_contexts.subs_dist',
    mode: 0o644,
    content: Buffer.from('/run /var/run\n/var/home /home\n'),
  },
];

describe.skipIf(reason !== undefined)(`compose ${reason ?? ''}`, () => {
  let folder: ComposeFolder;
  let dir: string;
  beforeAll(() => {
    folder = new ComposeFolder('compose');
    ({ dir } = folder);
    const yum = folder.publish('local', [
      ...ComposeFolder.world(),
      extra('labelled', policy),
      extra('one', [
        { path: '/usr/share/one/keep', mode: 0o644, content: Buffer.from('k') },
        { path: '/usr/share/one/drop', mode: 0o644, content: Buffer.from('d') },
        { path: '/usr/share/one/post', mode: 0o644, content: Buffer.from('p') },
      ]),
    ]);
    original('ln', '-s', yum, join(dir, 'yum'));
    writeFileSync(join(dir, 'added.conf'), 'added\n');
    writeFileSync(
      join(dir, 'base.yaml'),
      'packages: [kernel, systemd, busybox, chrony, fedora-release-coreos]\ntmp-is-dir: true\nselinux: false\npostprocess:\n  - |\n    #!/bin/sh\n    set -e\n    echo first > /etc/order\n',
    );
    writeFileSync(
      join(dir, 'manifest.yaml'),
      `include: base.yaml
ref: test/x86_64/base
repos: [local]
packages: [socat, one]
automatic-version-prefix: "31.<date:%Y%m%d>"
add-commit-metadata: {stage: test}
add-files: [[added.conf, /etc/added.conf]]
remove-files: [etc/chrony.conf]
remove-from-packages: [[one, /usr/share/one/drop]]
postprocess:
  - |
    #!/bin/sh
    cat /etc/order > /usr/share/order && echo second >> /usr/share/order
    rm /usr/share/one/post
`,
    );
  });
  afterAll(() => folder.end());

  const rpmOstree = (...args: string[]): Promise<Ran> => folder.rpmOstree(...args);
  const tree = (...more: string[]): Promise<Ran> =>
    rpmOstree('compose', 'tree', '--repo=repo', '--cachedir=cache', ...more, 'manifest.yaml');
  const ostree = (...args: string[]): string => folder.ostree(...args);

  test('a tree: packages, postprocessing, version, JSON, lockfile', async () => {
    const ran = await tree(
      '--write-composejson-to=c.json',
      '--ex-write-lockfile-to=lock.json',
      '--touch-if-changed=stamp',
    );
    expect(ran.status, ran.stderr).toBe(0);
    expect(ran.stdout).toMatch(/^Input state hash: [0-9a-f]{64}\nNo previous commit for test\/x86_64\/base\n/);
    expect(ran.stdout).toMatch(/test\/x86_64\/base => [0-9a-f]{64}\n$/);
    ostree('fsck', '-q');
    expect(ostree('cat', 'test/x86_64/base', '/usr/share/order')).toBe('first\nsecond\n');
    expect(ostree('cat', 'test/x86_64/base', '/usr/etc/added.conf')).toBe('added\n');
    const files = ostree('ls', '-R', 'test/x86_64/base');
    for (const gone of ['/usr/etc/chrony.conf', '/usr/share/one/drop', '/usr/share/one/post'])
      expect(files).not.toContain(gone);
    expect(files).toContain('/usr/share/one/keep');
    expect(files).toMatch(/l00777 0 0 {6}0 \/home -> var\/home/);
    const json = JSON.parse(readFileSync(join(dir, 'c.json'), 'utf8'));
    const log = ostree('log', 'test/x86_64/base');
    expect(log).toContain(`ContentChecksum:  ${json['ostree-content-checksum']}`);
    expect(log).toContain('Version: 31.20200126.0');
    expect(json['ostree-commit']).toBe(ostree('rev-parse', 'test/x86_64/base').trim());
    expect(ostree('show', '--print-metadata-key=stage', 'test/x86_64/base')).toBe("'test'\n");
    expect(existsSync(join(dir, 'stamp'))).toBe(true);
  });

  test('rpm agrees with the package list of the commit', async () => {
    const out = join(dir, 'out');
    ostree('checkout', 'test/x86_64/base', out);
    const rpm = original('rpm', '-qa', '--dbpath', '/usr/share/rpm', '--root', out, '--qf', '%{NAME}\\n')
      .trim()
      .split('\n')
      .sort();
    expect(rpm.length).toBeGreaterThan(8);
    const listed = await rpmOstree('db', 'list', 'test/x86_64/base', `--repo=${join(dir, 'repo')}`);
    expect(listed.stdout.trim().split('\n')).toHaveLength(rpm.length + 1);
  });

  test('repositories of a source root: all that are enabled, with its variables', async () => {
    const etc = join(dir, 'source/etc');
    mkdirSync(join(etc, 'yum.repos.d'), { recursive: true });
    mkdirSync(join(etc, 'dnf/vars'), { recursive: true });
    writeFileSync(join(etc, 'dnf/vars/where'), `${join(dir, 'yum')}\n`);
    writeFileSync(
      join(etc, 'yum.repos.d/a.repo'),
      '[here]\nbaseurl=file://$where\n\n[gone]\nbaseurl=file:///nowhere\nenabled=0\n',
    );
    writeFileSync(
      join(dir, 'rooted.yaml'),
      'packages: [kernel, systemd, busybox, fedora-release-coreos]\ntmp-is-dir: true\nselinux: false\n',
    );
    const ran = await rpmOstree('compose', 'rootfs', '--source-root=source', 'rooted.yaml', 'rooted');
    expect(ran.stderr).toBe('');
    const rpm = original('rpm', '-qa', '--dbpath', '/usr/share/rpm', '--root', join(dir, 'rooted'), '--qf', '%{NAME} ');
    expect(rpm).toContain('busybox ');
    const without = await rpmOstree('compose', 'rootfs', 'rooted.yaml', 'unrooted');
    expect(without.status).toBe(1);
  });

  test('users keep their numbers, and none is lost that files belong to', async () => {
    const ostreeText = (path: string): string => ostree('cat', 'test/users', path);
    const manifest = (packages: string, more = ''): void =>
      writeFileSync(
        join(dir, 'users.yaml'),
        `packages: [kernel, systemd, busybox, fedora-release-coreos${packages}]\nref: test/users\nrepos: [users]\ntmp-is-dir: true\nselinux: false\n${more}`,
      );
    // A repository of its own: when one was made is in the commits of all who use it.
    const yum = join(dir, 'yum-users');
    original('cp', '-rL', join(dir, 'yum'), yum);
    writeFileSync(join(dir, 'users.repo'), `[users]\nbaseurl=file://${yum}\n`);
    const compose = (): Promise<Ran> => rpmOstree('compose', 'tree', '--repo=repo', '--cachedir=cache', 'users.yaml');
    const account = (uid: string): PackageSpec =>
      extra('account', [
        { path: '/usr/lib/sysusers.d/account.conf', mode: 0o644, content: Buffer.from(`u keeper ${uid}\n`) },
        { path: '/usr/share/kept', mode: 0o644, content: Buffer.from('x'), user: 'keeper' },
      ]);
    const publish = (spec: PackageSpec): void => {
      writeFileSync(join(yum, `${spec.name}.rpm`), buildPackage(spec).bytes());
      original('createrepo_c', '-q', '--update', yum);
    };
    publish(account('-'));
    manifest(', account');
    expect((await compose()).stderr).toBe('');
    const [, uid] = /^keeper:x:(\d+):/m.exec(ostreeText('/usr/lib/passwd'))!;
    // Another account comes first and would get the number.
    publish(
      extra('aaa', [
        { path: '/usr/lib/sysusers.d/aaa.conf', mode: 0o644, content: Buffer.from('u newcomer -\n') },
        { path: '/usr/share/new', mode: 0o644, content: Buffer.from('x'), user: 'newcomer' },
      ]),
    );
    manifest(', account, aaa');
    const second = await compose();
    expect(second.stderr).toBe('');
    expect(second.stdout).toContain('New passwd entries: newcomer\n');
    expect(ostreeText('/usr/lib/passwd')).toMatch(new RegExp(`^keeper:x:${uid}:`, 'm'));
    const before = ostree('rev-parse', 'test/users');
    const refused = async (more: string, why: string): Promise<void> => {
      manifest(', account, aaa', more);
      const ran = await compose();
      expect(ran.stderr).toBe(`error: Validating ${why}\n`);
      expect(ostree('rev-parse', 'test/users')).toBe(before);
    };
    const user = 'user entries according to treefile check-passwd: ';
    await refused(
      'check-passwd: {type: data, entries: {keeper: 7}}\n',
      `${user}passwd UID changed: keeper (7 to ${uid})`,
    );
    await refused(
      `check-passwd: {type: data, entries: {gone: ${uid}}}\n`,
      `${user}User missing from new passwd file: gone`,
    );
    await refused(
      'check-groups: {type: data, entries: {keeper: 9}}\n',
      `group entries according to treefile check-groups: group GID changed: keeper (9 to ${/^keeper:x:(\d+):/m.exec(ostreeText('/usr/lib/group'))![1]})`,
    );
    manifest(
      ', account, aaa',
      `check-passwd: {type: data, entries: {gone: ${uid}, unused: 4000}}\nignore-removed-users: [gone]\n`,
    );
    const ignored = await compose();
    expect(ignored.stdout).toContain('Ignored user missing from new passwd file: gone\n');
    expect(ignored.stdout).toContain('Unused user removed from new passwd file: unused\n');
    // A file that is checked against is also where numbers come from.
    writeFileSync(join(dir, 'group'), 'root:x:0:\nkeeper:x:9:\n');
    manifest(', account, aaa', 'check-groups: {type: file, filename: group}\n');
    expect((await compose()).stderr).toBe('');
    expect(ostreeText('/usr/lib/group')).toMatch(/^keeper:x:9:/m);
  });

  test('a commit is signed with the key of the treefile before its ref shows it', async () => {
    const home = join(dir, 'gpg');
    mkdirSync(home, { mode: 0o700 });
    const gpg = (...args: string[]): string =>
      original('gpg', '--homedir', home, '--batch', '--passphrase', '', ...args);
    gpg('--quick-generate-key', 'compose@example.com', 'ed25519', 'sign', 'never');
    const [, fingerprint] = /^fpr:+([0-9A-F]{40}):/m.exec(gpg('--with-colons', '--fingerprint'))!;
    const base =
      'packages: [kernel, systemd, busybox, fedora-release-coreos]\nrepos: [local]\ntmp-is-dir: true\nselinux: false\n';
    writeFileSync(join(dir, 'signed.yaml'), `${base}ref: test/signed\ngpg-key: ${fingerprint}\n`);
    const compose = (): Promise<Ran> =>
      rpmOstree('compose', 'tree', '--repo=repo', '--cachedir=cache', '--force-nocache', 'signed.yaml');
    const saved = process.env['GNUPGHOME'];
    process.env['GNUPGHOME'] = home;
    try {
      expect((await compose()).stderr).toBe('');
      const keys = join(dir, 'keys');
      mkdirSync(keys);
      gpg('-o', join(keys, 'a.gpg'), '--export', fingerprint!);
      const shown = ostree('show', `--gpg-homedir=${keys}`, 'test/signed');
      expect(shown).toMatch(/Good signature from .*compose@example\.com/);
      const before = ostree('rev-parse', 'test/signed');
      writeFileSync(join(dir, 'signed.yaml'), `${base}ref: test/signed\ngpg-key: ${'DEADBEEF'.repeat(5)}\n`);
      expect((await compose()).stderr).toMatch(/^error: No gpg key found with ID (DEADBEEF){5}/);
      expect(ostree('rev-parse', 'test/signed')).toBe(before);
    } finally {
      if (saved === undefined) delete process.env['GNUPGHOME'];
      else process.env['GNUPGHOME'] = saved;
    }
  });

  test('an unchanged compose does nothing; the same input gives the same commit', async () => {
    const before = ostree('rev-parse', 'test/x86_64/base');
    expect((await tree('--touch-if-changed=stamp2')).stdout).toContain('No apparent changes since previous commit');
    expect(existsSync(join(dir, 'stamp2'))).toBe(false);
    const again = await tree(
      '--force-nocache',
      '--no-parent',
      '--previous-version=31',
      '--ex-lockfile=lock.json',
      '--write-commitid-to=id',
    );
    expect(again.status, again.stderr).toBe(0);
    expect(readFileSync(join(dir, 'id'), 'utf8')).toBe(before.trim());
    expect((await tree('--force-nocache')).stdout).toContain('=> ');
    expect(ostree('log', 'test/x86_64/base')).toContain('Version: 31.20200126.1');
  });

  test('a strict lockfile that lacks a package', async () => {
    const lock = JSON.parse(readFileSync(join(dir, 'lock.json'), 'utf8'));
    delete lock.packages.socat;
    writeFileSync(join(dir, 'short.json'), JSON.stringify(lock));
    const ran = await tree('--force-nocache', '--ex-lockfile=short.json', '--ex-lockfile-strict');
    expect(ran.stderr).toBe('error: Packages not found: socat\n');
  });

  test('labels come from the policy in the tree', async () => {
    writeFileSync(
      join(dir, 'labelled.yaml'),
      'include: manifest.yaml\nref: test/labelled\nselinux: true\npackages: [labelled]\n',
    );
    const ran = await rpmOstree('compose', 'tree', '--repo=repo', '--cachedir=cache', 'labelled.yaml');
    expect(ran.status, ran.stderr).toBe(0);
    ostree('fsck', '-q');
    const listing = ostree('ls', '-R', '-X', 'test/labelled');
    expect(listing).toMatch(/system_u:object_r:bin_t:s0.* \/usr\/bin\/busybox/);
    expect(listing).toMatch(/system_u:object_r:etc_t:s0.* \/usr\/etc\/added\.conf/);
    expect(listing).toMatch(/system_u:object_r:usr_t:s0.* \/usr\/share\/rpm\/rpmdb\.sqlite/);
  });

  test('rootfs, image, extensions', async () => {
    expect((await rpmOstree('compose', 'rootfs', '--cachedir=cache', 'manifest.yaml', 'root')).stderr).toBe('');
    expect(readdirSync(join(dir, 'root')).sort()).toEqual(expect.arrayContaining(['bin', 'usr', 'var']));
    const image = await rpmOstree(
      'compose',
      'image',
      '--initialize',
      '--cachedir=cache',
      '--max-layers=6',
      'manifest.yaml',
      'image',
    );
    expect(image.stdout, image.stderr).toMatch(/Pushed digest: sha256:[0-9a-f]{64}\nWrote: oci-archive:\S+\n$/);
    if (spawnSync('sh', ['-c', 'command -v skopeo']).status === 0)
      original('skopeo', 'inspect', `oci-archive:${join(dir, 'image')}`);
    const chunked = await rpmOstree(
      'compose',
      'build-chunked-oci',
      '--bootc',
      '--rootfs=root',
      '--max-layers=6',
      `--output=oci:${join(dir, 'chunked')}:x`,
    );
    expect(chunked.stdout, chunked.stderr).toMatch(/Pushed digest: sha256:[0-9a-f]{64}\n$/);
    const back = Repo.create(join(dir, 'back'), { mode: 'bare', fs: hostFs });
    const { commit } = await importImage({
      repo: back,
      source: OciLayout.open(join(dir, 'chunked')),
      reference: 'x',
      imageReference: 'ostree-unverified-image:oci:x',
      scratch: join(dir, 'layers'),
    });
    original('ostree', `--repo=${join(dir, 'back')}`, 'fsck', '-q');
    const names = original('ostree', `--repo=${join(dir, 'back')}`, 'ls', commit, '/usr');
    expect(names).toContain(' /usr/etc\n');
    expect(packagesOf(back, commit).map((p) => p.name)).toContain('kernel');
    writeFileSync(join(dir, 'ext.yaml'), 'extensions:\n  dump:\n    packages: [tcpdump]\n');
    const ext = await rpmOstree(
      'compose',
      'extensions',
      '--repo=repo',
      '--base-rev=test/x86_64/base',
      '--output-dir=ext',
      '--cachedir=cache',
      'manifest.yaml',
      'ext.yaml',
    );
    expect(ext.status, ext.stderr).toBe(0);
    expect(readdirSync(join(dir, 'ext')).filter((n) => n.endsWith('.rpm'))).toEqual([
      'tcpdump-4.9.3-1.fc31.x86_64.rpm',
    ]);
    expect(
      (
        await rpmOstree(
          'compose',
          'extensions',
          '--repo=repo',
          '--base-rev=test/x86_64/base',
          '--output-dir=ext',
          '--cachedir=cache',
          'manifest.yaml',
          'ext.yaml',
        )
      ).stdout,
    ).toBe('No change.\n');
  });

  test('install, postprocess and commit give the tree that `compose tree` gives', async () => {
    const steps = [
      ['install', 'manifest.yaml', 'stages'],
      ['postprocess', 'stages/rootfs', 'manifest.yaml'],
      [
        ...['commit', '--repo=repo', '--no-parent', '--write-commitid-to=id', '--write-composejson-to=commit.json'],
        ...['manifest.yaml', 'stages/rootfs'],
      ],
    ];
    for (const args of steps) {
      const ran = await rpmOstree('compose', ...args);
      expect(ran.status, ran.stderr).toBe(0);
    }
    const id = readFileSync(join(dir, 'id'), 'utf8');
    expect(JSON.parse(readFileSync(join(dir, 'commit.json'), 'utf8'))).toMatchObject({
      'ostree-commit': id,
      ref: 'test/x86_64/base',
    });
    expect(ostree('diff', 'test/x86_64/base', id)).toBe('');
    expect(ostree('ls', '-R', '-C', '-X', id)).toBe(ostree('ls', '-R', '-C', '-X', 'test/x86_64/base'));
  });

  test('install: printing, planning, downloading, and nothing when the hash is known', async () => {
    const install = async (...args: string[]): Promise<string> => {
      const ran = await rpmOstree('compose', 'install', '--cachedir=cache', ...args, 'manifest.yaml', 'again');
      expect(ran.stderr).toBe('');
      return ran.stdout;
    };
    const printed = await rpmOstree('compose', 'tree', '--print-only', 'manifest.yaml');
    expect(await install('--print-only')).toBe(printed.stdout);
    const planned = await install('--dry-run', '--ex-write-lockfile-to=again.json');
    const hash = /^Input state hash: ([0-9a-f]{64})\n(?: {2}\S+ \(local\)\n)+$/.exec(planned)![1]!;
    expect(readFileSync(join(dir, 'again.json'), 'utf8')).toBe(readFileSync(join(dir, 'lock.json'), 'utf8'));
    expect(await install('--download-only')).toBe(planned);
    expect(await install(`--previous-inputhash=${hash}`, '--touch-if-changed=again.stamp')).toContain(
      'No apparent changes since previous commit',
    );
    expect(existsSync(join(dir, 'again')) || existsSync(join(dir, 'again.stamp'))).toBe(false);
    mkdirSync(join(dir, 'work'));
    await install(
      `--previous-inputhash=${hash}`,
      '--force-nocache',
      '--touch-if-changed=again.stamp',
      '--workdir=work',
    );
    expect(existsSync(join(dir, 'again/rootfs/usr')) && existsSync(join(dir, 'again.stamp'))).toBe(true);
    expect(readdirSync(join(dir, 'work'))).toEqual([]);
    expect((await rpmOstree('compose', 'install', '--download-only', 'manifest.yaml', 'x')).stderr).toBe(
      'error: --download-only can only be used with --cachedir\n',
    );
  });

  test('what is wrong is said in one line', async () => {
    writeFileSync(join(dir, 'bad.yaml'), 'nonsense: 1\n');
    expect((await rpmOstree('compose', 'tree', '--repo=repo', 'bad.yaml')).stderr).toMatch(
      /^error: Parsing \S+bad\.yaml: Unknown fields: nonsense\n$/,
    );
    writeFileSync(join(dir, 'missing.yaml'), 'include: manifest.yaml\npackages: [nosuch]\n');
    expect((await rpmOstree('compose', 'tree', '--repo=repo', 'missing.yaml')).stderr).toBe(
      'error: Packages not found: nosuch\n',
    );
    writeFileSync(
      join(dir, 'fails.yaml'),
      'include: manifest.yaml\nref: test/fails\npostprocess: ["#!/bin/sh\\nexit 3\\n"]\n',
    );
    const fails = await rpmOstree('compose', 'tree', '--repo=repo', '--cachedir=cache', 'fails.yaml');
    expect(fails.stderr).toContain('exited with code 3');
    expect(ostree('refs')).not.toContain('test/fails');
  });
});
