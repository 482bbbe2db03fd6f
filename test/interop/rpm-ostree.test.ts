// Layering on a sysroot that the original ostree made: after every change rpm, the original ostree and our own words agree.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackage, type PackageSpec } from '@coppice/rpm';
import { formatNevra, parseNevra } from '@coppice/rpm-ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Node, original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'rpm', 'bwrap', 'unshare');

/** The package list of a commit as `db list` tells it. */
async function listed(node: Node, rev: string): Promise<string[]> {
  const ran = await node.rpmOstree(['db', 'list', rev, `--repo=${node.repo}`]);
  expect(ran.status, ran.stderr).toBe(0);
  return ran.stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((l) => l.trim())
    .sort();
}

function spec(name: string, extra: Partial<PackageSpec>): PackageSpec {
  return {
    name,
    version: '1',
    release: '1',
    arch: 'noarch',
    summary: name,
    license: 'none',
    buildTime: 1_580_000_000,
    files: [{ path: `/usr/share/${name}`, mode: 0o644, content: Buffer.from(name) }],
    ...extra,
  };
}

function rpmFile(node: Node, s: PackageSpec): string {
  mkdirSync(join(node.dir, 'rpms'), { recursive: true });
  const path = join(node.dir, 'rpms', `${s.name}.${s.arch}.rpm`);
  writeFileSync(path, buildPackage(s).bytes());
  return path;
}

describe.skipIf(reason !== undefined)(`rpm-ostree on a sysroot ${reason ?? ''}`, () => {
  let node: Node;
  beforeAll(async () => {
    node = await Node.make();
  });
  afterAll(() => node.end());

  /** rpm's list, the commit's list, the original's fsck and refs: one story. */
  async function agree(): Promise<string[]> {
    const tree = node.trees()[0]!;
    const checksum = /([0-9a-f]{64})\.\d+$/.exec(tree)![1]!;
    const installed = node.installed(tree);
    expect(await listed(node, checksum)).toEqual(installed);
    node.fsck();
    return installed;
  }

  let base: string[];
  test('the base: rpm lists what the commit says', async () => {
    base = await agree();
    expect(base.length).toBeGreaterThan(20);
  });

  test('install', async () => {
    const out = await node.must('install', 'buildah');
    expect(out).toContain(
      'Added:\n  buildah-1.12.0-2.fc31.x86_64\nChanges queued for next boot. Run "systemctl reboot" to start a reboot\n',
    );
    expect(await agree()).toEqual([...base, 'buildah-1.12.0-2.fc31.x86_64'].sort());
    expect(readFileSync(join(node.trees()[0]!, 'usr/bin/buildah'), 'utf8')).toContain('#!');
    const refs = original('/usr/bin/ostree', `--repo=${node.repo}`, 'refs').trim().split('\n');
    expect(refs).toEqual(expect.arrayContaining(['rpmostree/pkg/buildah/1.12.0-2.fc31.x86__64', 'rpmostree/base/0']));
    const origin = readFileSync(`${node.trees()[0]}.origin`, 'utf8');
    expect(origin).toBe('[origin]\nbaserefspec=fedora:fedora/x86_64/coreos/stable\n\n[packages]\nrequested=buildah;\n');
  });

  test('a second package joins the first; its user exists and owns its files', async () => {
    await node.must('install', 'tcpdump');
    expect(await agree()).toEqual([...base, 'buildah-1.12.0-2.fc31.x86_64', 'tcpdump-14:4.9.3-1.fc31.x86_64'].sort());
    expect(await node.must('status')).toContain('LayeredPackages: buildah tcpdump');
  });

  test('errors leave everything as it is', async () => {
    const before = node.trees();
    const wrong: [string[], string][] = [
      [['install', 'nosuch', 'neither'], 'error: Packages not found: nosuch, neither\n'],
      [['install', 'buildah'], "error: Package/capability 'buildah' is already requested\n"],
      [['uninstall', 'nosuch'], "error: Package/capability 'nosuch' is not currently requested\n"],
      [
        ['install', 'socat'],
        'error: "socat" is already provided by: socat-1.7.3.3-2.fc31.x86_64. Use --allow-inactive to explicitly require it.\n',
      ],
      [['override', 'remove', 'nosuch'], 'error: Package "nosuch" not found\n'],
      [['override', 'reset', 'nosuch'], "error: No overrides for package 'nosuch'\n"],
      [
        ['rebase', 'fedora:fedora/x86_64/coreos/stable'],
        'error: Old and new refs are equal: fedora:fedora/x86_64/coreos/stable\n',
      ],
    ];
    for (const [args, message] of wrong) {
      const ran = await node.rpmOstree([...args, `--sysroot=${node.sysroot}`]);
      expect(ran.stderr).toBe(message);
      expect(ran.status).toBe(1);
    }
    expect(node.trees()).toEqual(before);
    node.fsck();
  });

  test('rollback and back again', async () => {
    const [first, second] = node.trees();
    const out = await node.must('rollback');
    expect(out).toMatch(
      /^Moving '[0-9a-f]{64}\.\d+' to be first deployment\nTransaction complete; bootconfig swap: no; bootversion: \S+, deployment count change: 0\n/,
    );
    expect(node.trees()).toEqual([second, first]);
    await node.must('rollback');
    expect(node.trees()).toEqual([first, second]);
  });

  test('uninstall works with no repository in reach', async () => {
    const repofile = join(node.trees()[0]!, 'etc/yum.repos.d/lab.repo');
    const text = readFileSync(repofile, 'utf8');
    writeFileSync(repofile, text.replace(/baseurl=.*/, 'baseurl=http://127.0.0.1:1/'));
    await node.must('uninstall', 'buildah');
    expect(await agree()).toEqual([...base, 'tcpdump-14:4.9.3-1.fc31.x86_64'].sort());
    const offline = await node.rpmOstree(['install', 'buildah', `--sysroot=${node.sysroot}`]);
    expect(offline.status).toBe(1);
    expect(offline.stderr).toMatch(/^error: Updating rpm-md repo 'lab': [^\n]*\n$/);
    for (const tree of node.trees()) writeFileSync(join(tree, 'etc/yum.repos.d/lab.repo'), text);
  });

  test('the same packages again give the same commit', async () => {
    const before = node.trees()[0]!.split('/').at(-1)!.split('.')[0];
    await node.must('install', 'buildah');
    // Forget what was put together before: it has to come out equal once more.
    await node.must('cleanup', '--repomd');
    expect(await node.must('uninstall', 'buildah')).toContain('Removed:');
    expect(node.trees()[0]!.split('/').at(-1)!.split('.')[0]).toBe(before);
  });

  test('a tree that is still deployed is taken as it is, but not when anything that went into it differs', async () => {
    const name = (): string => node.trees()[0]!.split('/').at(-1)!.split('.')[0]!;
    const scripts = 'Running pre scripts';
    await node.must('install', 'buildah');
    const layered = name();
    await node.must('uninstall', 'buildah');
    expect(await node.must('install', 'buildah')).not.toContain(scripts);
    expect(name()).toBe(layered);
    await node.must('uninstall', 'buildah');
    // An account of the node that scripts see.
    const passwd = join(node.trees()[0]!, 'etc/passwd');
    writeFileSync(passwd, `${readFileSync(passwd, 'utf8')}someone:x:2345:2345::/:/bin/sh\n`);
    expect(await node.must('install', 'buildah')).toContain(scripts);
    expect(name()).toBe(layered);
    await node.must('uninstall', 'buildah');
  });

  test('overrides: replace, remove, reset', async () => {
    const socat = spec('socat', {
      version: '99',
      arch: 'x86_64',
      files: [{ path: '/usr/bin/socat', mode: 0o755, content: Buffer.from('new') }],
    });
    expect(await node.must('override', 'replace', rpmFile(node, socat))).toContain(
      'Upgraded:\n  socat 1.7.3.3-2.fc31 -> 99-1\n',
    );
    expect(await agree()).toContain('socat-99-1.x86_64');
    expect(readFileSync(join(node.trees()[0]!, 'usr/bin/socat'), 'utf8')).toBe('new');
    await node.must('override', 'remove', 'whois-nls');
    expect((await agree()).some((p) => p.startsWith('whois-nls'))).toBe(false);
    expect(await node.must('status')).toContain('LocalOverrides: socat 1.7.3.3-2.fc31 -> 99-1');
    await node.must('override', 'reset', '--all');
    expect(await agree()).toEqual([...base, 'tcpdump-14:4.9.3-1.fc31.x86_64'].sort());
  });

  test('overrides from a repository: following it, and frozen to the build of today', async () => {
    const yum = join(node.dir, 'overrides');
    mkdirSync(yum);
    const build = (version: string): void => {
      const socat = spec('socat', {
        version,
        arch: 'x86_64',
        files: [{ path: '/usr/bin/socat', mode: 0o755, content: Buffer.from(version) }],
      });
      writeFileSync(join(yum, `socat-${version}.rpm`), buildPackage(socat).bytes());
      original('createrepo_c', '-q', yum);
    };
    build('50');
    const repofile = (): string => join(node.trees()[0]!, 'etc/yum.repos.d/overrides.repo');
    writeFileSync(repofile(), `[over]\nbaseurl=file://${yum}\ngpgcheck=0\n`);
    const content = (): string => readFileSync(join(node.trees()[0]!, 'usr/bin/socat'), 'utf8');
    await node.must('override', 'replace', 'socat', '--experimental', '--from=repo=over', '--freeze');
    expect(await agree()).toContain('socat-50-1.x86_64');
    expect(readFileSync(`${node.trees()[0]}.origin`, 'utf8')).toMatch(/replace-local=[0-9a-f]{64}:socat-50-1\.x86_64;/);
    build('60');
    await node.must('install', 'buildah');
    expect(content()).toBe('50');
    await node.must('override', 'reset', 'socat');
    await node.must('override', 'replace', 'socat', '--experimental', '--from=repo=over');
    expect(readFileSync(`${node.trees()[0]}.origin`, 'utf8')).toContain('replace=repo=over,socat;');
    expect(content()).toBe('60');
    // Offline, the build that was fetched stays; the next change with repositories takes the newer one.
    build('70');
    await node.must('uninstall', 'buildah');
    expect(content()).toBe('60');
    await node.must('install', 'buildah');
    expect(content()).toBe('70');
    await node.must('override', 'reset', '--all');
    await node.must('uninstall', 'buildah');
    rmSync(repofile());
    expect(await agree()).toEqual([...base, 'tcpdump-14:4.9.3-1.fc31.x86_64'].sort());
  });

  test('rebase: the difference is that of rpm', async () => {
    const before = node.installed();
    const out = await node.must('rebase', '-b', 'fedora:fedora/x86_64/coreos/testing');
    const after = await agree();
    const names = (list: readonly string[]): Map<string, string> => new Map(list.map((n) => [parseNevra(n).name, n]));
    const [a, b] = [names(before), names(after)];
    const changed = [...a]
      .filter(([name, nevra]) => b.get(name) !== undefined && b.get(name) !== nevra)
      .map(([name]) => name);
    const rows = [...out.matchAll(/^ {2}(\S+) (\S+) -> (\S+)$/gm)].map((m) => m[1]!);
    expect(rows.sort()).toEqual(changed.sort());
    for (const [, name, , to] of out.matchAll(/^ {2}(\S+) (\S+) -> (\S+)$/gm))
      expect(b.get(name!)).toContain(`-${to}.`);
    expect(formatNevra(parseNevra(after[0]!))).toBe(after[0]);
    const refs = original('/usr/bin/ostree', `--repo=${node.repo}`, 'refs').split('\n');
    expect(refs).toContain('fedora:fedora/x86_64/coreos/testing');
    expect(refs).not.toContain('fedora:fedora/x86_64/coreos/stable');
    const diff = await node.must('db', 'diff');
    for (const row of rows) expect(diff).toContain(`  ${row} `);
  });

  test('reset, and the deployment is the base commit again', async () => {
    await node.must('reset');
    const tree = node.trees()[0]!;
    expect(readFileSync(`${tree}.origin`, 'utf8')).toBe('[origin]\nrefspec=fedora:fedora/x86_64/coreos/testing\n');
    await agree();
    const commit = original(
      '/usr/bin/ostree',
      `--repo=${node.repo}`,
      'rev-parse',
      'fedora:fedora/x86_64/coreos/testing',
    ).trim();
    expect(tree).toContain(commit);
  });

  test('kernel arguments go into the boot entry', async () => {
    expect((await node.must('kargs')).startsWith('root=LABEL=root')).toBe(true);
    await node.must('kargs', '--append=quiet', '--append=console=ttyS0', '--append=console=tty0');
    await node.must('kargs', '--replace=console=ttyS0=ttyS1', '--append-if-missing=quiet');
    expect(await node.must('kargs')).toMatch(/^root=LABEL=root quiet console=ttyS1 console=tty0 ostree=\S+\n$/);
    const unchanged = await node.rpmOstree([
      'kargs',
      '--append-if-missing=quiet',
      '--unchanged-exit-77',
      `--sysroot=${node.sysroot}`,
    ]);
    expect(unchanged.status).toBe(77);
  });
});

describe.skipIf(reason !== undefined)(`packages that misbehave ${reason ?? ''}`, () => {
  let node: Node;
  let before: string[];
  beforeAll(async () => {
    node = await Node.make();
    before = node.trees();
  });
  afterAll(() => node.end());

  const refused = async (s: PackageSpec, message: RegExp): Promise<void> => {
    const ran = await node.rpmOstree(['install', rpmFile(node, s), `--sysroot=${node.sysroot}`]);
    expect(ran.status, ran.stdout).toBe(1);
    expect(ran.stderr).toMatch(message);
    expect(node.trees()).toEqual(before);
    node.fsck();
  };

  test('a script that fails', () =>
    refused(
      spec('bad', { scripts: { post: 'exit 3' } }),
      /^error: Running %post for bad: .*exited with code 3; run `journalctl -t 'rpm-ostree\(bad.post\)'` for more information\n$/,
    ));
  test('a Lua script', () =>
    refused(
      spec('lua', { scripts: { post: { interpreter: ['<lua>'], body: 'x = 1' } as never } }),
      /unsupported script of type '<lua>'/,
    ));
  test('a file where the base has another', () =>
    refused(
      spec('conflict', { files: [{ path: '/usr/lib/os-release', mode: 0o644, content: Buffer.from('mine') }] }),
      /File exists: \/usr\/lib\/os-release/,
    ));
  test('a program in two word sizes: the file and the states that rpm leaves', async () => {
    const elf = (bits: 1 | 2): Buffer =>
      Buffer.from([0x7f, 0x45, 0x4c, 0x46, bits, 1, 1, ...new Array<number>(57).fill(0)]);
    const build = (arch: string, bits: 1 | 2): PackageSpec =>
      spec('multi', {
        arch,
        files: [
          { path: '/usr/bin/multi', mode: 0o755, content: elf(bits) },
          { path: `/usr/lib${bits === 2 ? '64' : ''}/multi.so`, mode: 0o755, content: elf(bits) },
          { path: '/usr/share/multi', mode: 0o644, content: Buffer.from('same') },
        ],
      });
    const files = [rpmFile(node, build('i686', 1)), rpmFile(node, build('x86_64', 2))];
    const states = (root: string, dbpath: string): string =>
      original(
        ...(['rpm', '-q', 'multi', '--root', root, '--dbpath', dbpath] as const),
        ...['--qf', '[%{ARCH} %{FILENAMES} %{FILESTATES:fstate}\\n]'],
      )
        .trim()
        .split('\n')
        .sort()
        .join('\n');
    const judge = join(node.dir, 'judge');
    mkdirSync(judge);
    original(
      ...(['rpm', '-i', '--root', judge, '--dbpath', '/db', '--nodeps', '--ignorearch'] as const),
      ...['--define', '_transaction_color 3', '--define', '_prefer_color 2', ...files],
    );
    await node.must('install', ...files);
    const tree = node.trees()[0]!;
    expect(readFileSync(join(judge, 'usr/bin/multi'))[4]).toBe(2);
    expect(readFileSync(join(tree, 'usr/bin/multi')).equals(readFileSync(join(judge, 'usr/bin/multi')))).toBe(true);
    expect(states(tree, '/usr/share/rpm')).toBe(states(judge, '/db'));
    await node.must('uninstall', 'multi');
    await node.must('cleanup', '-b', '-r', '-p');
    // Without colours it is a conflict as before.
    const plain = (arch: string, text: string): PackageSpec =>
      spec('plain', { arch, files: [{ path: '/usr/bin/plain', mode: 0o755, content: Buffer.from(text) }] });
    const ran = await node.rpmOstree([
      ...['install', rpmFile(node, plain('i686', 'a')), rpmFile(node, plain('x86_64', 'b'))],
      `--sysroot=${node.sysroot}`,
    ]);
    expect(ran.stderr).toMatch(/File exists: \/usr\/bin\/plain/);
    before = node.trees();
  });
  test('a path that no image can hold', () =>
    refused(
      spec('home', { files: [{ path: '/srv/x', mode: 0o644, content: Buffer.from('x') }] }),
      /Unsupported path: \/srv\/x/,
    ));
  test('an unknown owner', () =>
    refused(
      spec('owner', { files: [{ path: '/usr/x', mode: 0o644, content: Buffer.from('x'), user: 'nobody-knows' }] }),
      /Could not find user 'nobody-knows' in passwd file/,
    ));

  test('rm -rf / hurts nothing but its own package', async () => {
    const ran = await node.rpmOstree([
      'install',
      rpmFile(node, spec('rm', { scripts: { post: 'rm -rf / ; true' } })),
      `--sysroot=${node.sysroot}`,
    ]);
    expect(ran.status).toBe(1);
    expect(node.trees()).toEqual(before);
    expect(existsSync(join(before[0]!, 'usr/bin/sh'))).toBe(true);
    node.fsck();
  });

  test('owners, modes, /var, /opt and documentation arrive as an image has them', async () => {
    const s = spec('good', {
      scripts: {
        pre: 'echo "gooduser:x:777:777::/:/sbin/nologin" >> /etc/passwd; echo "gooduser:x:777:" >> /etc/group',
        post: 'echo made > /etc/good.conf',
      },
      files: [
        { path: '/usr/bin/good', mode: 0o4755, content: Buffer.from('suid') },
        { path: '/usr/share/good', mode: 0o640, content: Buffer.from('owned'), user: 'gooduser', group: 'gooduser' },
        { path: '/etc/good.d', mode: 0o755, type: 'directory' },
        { path: '/var/lib/good', mode: 0o750, type: 'directory', user: 'gooduser', group: 'gooduser' },
        { path: '/opt/good', mode: 0o755, type: 'directory' },
        { path: '/opt/good/x', mode: 0o644, content: Buffer.from('opt') },
      ],
    });
    await node.must('install', rpmFile(node, s));
    const tree = node.trees()[0]!;
    expect(lstatSync(join(tree, 'usr/bin/good')).mode & 0o7777).toBe(0o4755);
    const owned = lstatSync(join(tree, 'usr/share/good'));
    expect([owned.uid, owned.gid, owned.mode & 0o777]).toEqual([777, 777, 0o640]);
    expect(readFileSync(join(tree, 'usr/etc/good.conf'), 'utf8')).toBe('made\n');
    expect(readFileSync(join(tree, 'usr/lib/passwd'), 'utf8')).toContain('gooduser:x:777:777');
    expect(readFileSync(join(tree, 'usr/etc/passwd'), 'utf8')).not.toContain('gooduser');
    expect(readFileSync(join(tree, 'usr/lib/opt/good/x'), 'utf8')).toBe('opt');
    const tmpfiles = readFileSync(join(tree, 'usr/lib/tmpfiles.d/rpm-ostree-autovar.conf'), 'utf8');
    expect(tmpfiles).toContain('d /var/lib/good 0750 gooduser gooduser - -\n');
    expect(tmpfiles).toContain('L /opt/good - - - - ../../usr/lib/opt/good\n');
    node.fsck();
    const verify = spawnSync(
      'rpm',
      ['-V', '--dbpath', '/usr/share/rpm', '--root', tree, '--nomtime', '--nouser', '--nogroup', 'good'],
      { encoding: 'utf8' },
    );
    expect(verify.stdout.split('\n').filter((l) => / \/usr\//.test(l))).toEqual([]);
  });

  test('accounts of sysusers.d exist before owners are looked up', async () => {
    const pkg = spec('daemon', {
      files: [
        {
          path: '/usr/lib/sysusers.d/daemon.conf',
          mode: 0o644,
          content: Buffer.from('u daemond - "A daemon" /var/lib/daemon\nm daemond keepers\n'),
        },
        { path: '/usr/share/daemon', mode: 0o640, content: Buffer.from('d'), user: 'daemond', group: 'keepers' },
      ],
    });
    const out = await node.must('install', rpmFile(node, pkg));
    expect(out).toContain('Running systemd-sysusers...done\n');
    const tree = node.trees()[0]!;
    const [, , uid, gid] = /^daemond:x:((\d+)):(\d+):A daemon:\/var\/lib\/daemon:/m.exec(
      readFileSync(join(tree, 'usr/lib/passwd'), 'utf8'),
    )!;
    const group = readFileSync(join(tree, 'usr/lib/group'), 'utf8');
    expect(group).toContain(`daemond:x:${gid}:\n`);
    const keepers = /^keepers:x:(\d+):daemond$/m.exec(group)![1];
    expect(lstatSync(join(tree, 'usr/share/daemon'))).toMatchObject({ uid: Number(uid), gid: Number(keepers) });
    await node.must('uninstall', 'daemon');
  });

  test('an endless script is cancelled by a second client', async () => {
    const trees = node.trees();
    const path = rpmFile(node, spec('endless', { scripts: { post: 'while :; do sleep 1; done' } }));
    const running = node.rpmOstree(['install', path, `--sysroot=${node.sysroot}`]);
    for (;;) {
      const cancelled = await node.rpmOstree(['cancel', `--sysroot=${node.sysroot}`]);
      if (cancelled.stdout.startsWith('Cancelling transaction: install')) break;
    }
    const ran = await running;
    expect(ran.status).toBe(1);
    expect(ran.stderr).toBe('error: Operation was cancelled\n');
    expect(node.trees()).toEqual(trees);
    node.fsck();
  });
});
