// Flags of the client's verbs, each in a case where it makes a difference. rpm and the original ostree judge what is on disk.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackage } from '@coppice/rpm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Node, original, type Ran, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'rpm', 'bwrap', 'unshare');
const stable = 'fedora/x86_64/coreos/stable';

describe.skipIf(reason !== undefined)(`flags of rpm-ostree ${reason ?? ''}`, () => {
  let node: Node;
  /** Commits of the stable branch, the oldest first. */
  const commits: string[] = [];
  beforeAll(async () => {
    node = await Node.make();
    // The same tree twice more, as later versions; unsigned.
    original('/usr/bin/ostree', `--repo=${node.repo}`, 'config', 'set', 'remote "fedora".gpg-verify', 'false');
    const lab = `--repo=${node.lab.repo}`;
    commits.push(original('/usr/bin/ostree', lab, 'rev-parse', stable).trim());
    for (const version of ['31.20200119.3.0', '31.20200120.3.0']) {
      const day = version.slice(9, 11);
      const made = original(
        '/usr/bin/ostree',
        lab,
        'commit',
        '-b',
        stable,
        `--tree=ref=${stable}`,
        `--add-metadata-string=version=${version}`,
        '--bootable',
        '--keep-metadata=rpmostree.rpmdb.pkglist',
        `--timestamp=2020-01-${Number(day) + 10} 12:00:00 +0000`,
      );
      commits.push(made.trim());
    }
    original('/usr/bin/ostree', lab, 'summary', '-u');
  });
  afterAll(() => node.end());

  const run = (...args: string[]): Promise<Ran> => node.rpmOstree([...args, `--sysroot=${node.sysroot}`]);
  const base = (): string => {
    const [first] = (JSON.parse(statusJson) as { deployments: Record<string, string>[] }).deployments;
    return first!['base-checksum'] ?? first!['checksum']!;
  };
  let statusJson = '';
  async function look(): Promise<Record<string, unknown>> {
    statusJson = await node.must('status', '--json');
    return (JSON.parse(statusJson) as { deployments: Record<string, unknown>[] }).deployments[0]!;
  }
  async function fails(args: string[], message: string): Promise<void> {
    const before = node.trees();
    const ran = await run(...args);
    expect([ran.status, ran.stderr.trimEnd().split('\n').slice(-message.split('\n').length).join('\n')]).toEqual([
      1,
      `error: ${message}`,
    ]);
    expect(node.trees()).toEqual(before);
  }
  function rpmFile(name: string, version: string, path: string): string {
    mkdirSync(join(node.dir, 'rpms'), { recursive: true });
    const file = join(node.dir, 'rpms', `${name}-${version}.rpm`);
    const rpm = buildPackage({
      name,
      version,
      release: '1',
      arch: 'x86_64',
      summary: name,
      license: 'MIT',
      buildTime: 1_580_000_000,
      files: [{ path, mode: 0o644, content: Buffer.from(`${name} ${version}`) }],
    });
    writeFileSync(file, rpm.bytes());
    return file;
  }

  test('deploy: by version, by commit, only of the branch, the same again; upgrade follows the branch again', async () => {
    const [, middle, newest] = commits as [string, string, string];
    expect(await node.must('deploy', '31.20200119.3.0')).toContain("Resolving version '31.20200119.3.0'\n");
    await look();
    expect(base()).toBe(middle);
    expect(readFileSync(`${node.trees()[0]}.origin`, 'utf8')).toContain(`override-commit=${middle}\n`);
    const again = await run('deploy', `revision=${middle}`, '--unchanged-exit-77');
    expect([again.status, again.stdout.trimEnd().split('\n').at(-1)]).toEqual([77, 'No change.']);
    const testing = original(
      '/usr/bin/ostree',
      `--repo=${node.lab.repo}`,
      'rev-parse',
      'fedora/x86_64/coreos/testing',
    ).trim();
    await fails(['deploy', testing], `Checksum ${testing} not found in fedora:${stable}`);
    await node.must('deploy', testing, '--skip-branch-check');
    await look();
    expect(base()).toBe(testing);
    await fails(['deploy', 'version=nosuch'], `Version nosuch not found in fedora:${stable}`);
    const older = await run('deploy', commits[0]!, '--disallow-downgrade');
    expect(older.stderr).toMatch(/is chronologically older than current revision/);
    const up = await node.must('upgrade');
    expect(up).toContain('Run "systemctl reboot" to start a reboot\n');
    await look();
    expect(base()).toBe(newest);
    expect(readFileSync(`${node.trees()[0]}.origin`, 'utf8')).not.toContain('override-commit');
    const none = await run('upgrade', '--unchanged-exit-77');
    expect([none.status, none.stdout.trimEnd().split('\n').at(-1)]).toEqual([77, 'No upgrade available.']);
  });

  test('--download-only fetches and says so; --cache-only takes what was fetched', async () => {
    await fails(['upgrade', '-C', '--download-only'], "Can't specify cache-only and download-only");
    await fails(['install', 'tcpdump', '-n', '--download-only'], "Can't specify dry-run and download-only");
    await fails(['install', 'tcpdump', '-A', '-r'], 'Cannot specify `apply-live` and `reboot`');
    const trees = node.trees();
    const fetched = await node.must('install', 'tcpdump', '--download-only');
    expect(fetched.trimEnd().split('\n').at(-1)).toBe('Update downloaded.');
    expect(node.trees()).toEqual(trees);
    expect((await node.must('upgrade', '--download-only')).trimEnd().split('\n').at(-1)).toBe('No upgrade available.');
    const repo = join(trees[0]!, 'etc/yum.repos.d/lab.repo');
    const text = readFileSync(repo, 'utf8');
    writeFileSync(repo, text.replace(/baseurl=.*/, 'baseurl=http://127.0.0.1:1/'));
    await node.must('install', 'tcpdump', '--cache-only');
    expect(node.installed()).toContain('tcpdump-14:4.9.3-1.fc31.x86_64');
    await fails(['install', 'buildah', '-C'], 'Packages not found: buildah');
    writeFileSync(join(node.trees()[0]!, 'etc/yum.repos.d/lab.repo'), text);
  });

  test('--idempotent, --allow-inactive, --unchanged-exit-77, --install with --uninstall', async () => {
    await fails(['install', 'tcpdump'], "Package/capability 'tcpdump' is already requested");
    const same = await run('install', '--idempotent', '--unchanged-exit-77', 'tcpdump');
    expect([same.status, same.stdout.trimEnd().split('\n').at(-1)]).toEqual([77, 'No change.']);
    const provided =
      '"socat" is already provided by: socat-1.7.3.3-2.fc31.x86_64. Use --allow-inactive to explicitly require it.';
    await fails(['install', 'socat'], provided);
    await fails(['install', '--idempotent', 'socat'], provided);
    expect(await node.must('install', '--allow-inactive', 'socat')).toContain(
      'Inactive requests:\n  socat (already provided by socat-1.7.3.3-2.fc31.x86_64)\n',
    );
    expect(await look()).toMatchObject({ packages: ['tcpdump'], 'requested-packages': ['socat', 'tcpdump'] });
    await node.must('install', 'buildah', '--uninstall=tcpdump', '--uninstall=socat');
    expect(await look()).toMatchObject({ packages: ['buildah'], 'requested-packages': ['buildah'] });
    await node.must('uninstall', 'buildah', '--install=tcpdump');
    expect(await look()).toMatchObject({ packages: ['tcpdump'] });
    const absent = await run('uninstall', 'nosuch', '--idempotent', '--unchanged-exit-77');
    expect([absent.status, absent.stderr]).toEqual([77, '']);
    await node.must('uninstall', '--all');
    expect(await look()).toMatchObject({ packages: [], 'requested-packages': [] });
    const usage = await run('uninstall');
    expect(usage.stderr).toMatch(/^Usage:\n[\s\S]*\nerror: usage error: At least one PACKAGE must be specified\n$/);
  });

  test('override: the hint, --remove with --replace, --all, and what it refuses', async () => {
    const socat = rpmFile('socat', '99', '/usr/bin/socat');
    const out = await node.must('override', 'replace', socat, '--remove=whois-nls');
    expect(out).toContain(
      'Use "rpm-ostree override reset" to undo overrides\nRun "systemctl reboot" to start a reboot\n',
    );
    expect(node.installed().filter((p) => /^(socat|whois)/.test(p))).toEqual(['socat-99-1.x86_64']);
    await fails(['override', 'remove', 'whois-nls'], "Override already exists for package 'whois-nls'");
    await fails(['override', 'replace', 'socat', '--freeze'], 'Must specify --experimental to use --freeze or --from');
    const usage = await run('override', 'reset', '--all', 'socat');
    expect(usage.stderr).toMatch(/\nerror: usage error: Cannot specify PACKAGEs with --all\n$/);
    await node.must('override', 'reset', 'socat');
    expect(node.installed()).toContain('socat-1.7.3.3-2.fc31.x86_64');
    expect(await node.must('override', 'reset', '--all')).not.toContain('to undo overrides');
    expect(node.installed().some((p) => p.startsWith('whois-nls'))).toBe(true);
    await node.must('override', 'remove', 'whois-nls', `--replace=${socat}`);
    await node.must('override', 'reset', '-a');
    // A replacement that needs what only a repository has.
    const rpm = buildPackage({
      name: 'socat',
      version: '100',
      release: '1',
      arch: 'x86_64',
      summary: 'socat',
      license: 'MIT',
      buildTime: 1_580_000_000,
      requires: ['tcpdump'],
      files: [{ path: '/usr/bin/socat', mode: 0o755, content: Buffer.from('needs') }],
    });
    const needy = join(node.dir, 'rpms/socat-100.rpm');
    writeFileSync(needy, rpm.bytes());
    expect((await run('override', 'replace', needy, '-C', '-n')).stderr).toContain('nothing provides tcpdump');
    await node.must('override', 'replace', needy);
    expect(node.installed()).toContain('tcpdump-14:4.9.3-1.fc31.x86_64');
    await node.must('upgrade', '--ex-reset-overrides');
    expect(await look()).toMatchObject({ 'requested-base-removals': [], 'requested-base-local-replacements': [] });
  });

  test('kargs: each way of changing them', async () => {
    const kargs = async (): Promise<string> => (await node.must('kargs')).trim().replace(/ ?ostree=\S+/, '');
    await node.must('kargs', '--append=a=1', '--append=a=2', '--append=quiet');
    expect(await kargs()).toBe('root=LABEL=root a=1 a=2 quiet');
    const unchanged = await run('kargs', '--append-if-missing=quiet', '--delete-if-present=b', '--unchanged-exit-77');
    expect([unchanged.status, unchanged.stdout]).toEqual([77, 'No changes.\n']);
    await node.must('kargs', '--replace=a=2=3', '--append-if-missing=b=1');
    expect(await kargs()).toBe('root=LABEL=root a=1 a=3 quiet b=1');
    await node.must('kargs', '--delete=a=1', '--delete-if-present=quiet');
    expect(await kargs()).toBe('root=LABEL=root a=3 b=1');
    await fails(['kargs', '--delete=nosuch'], "No key 'nosuch' found");
    await fails(['kargs', '--delete=a', '--replace=a=1'], 'Cannot specify both --delete and --replace');
    await fails(
      ['kargs', '--editor', '--append=a'],
      'Cannot specify --editor with --replace, --delete, --append, --delete-if-present or --append-if-missing',
    );
    await fails(
      ['kargs', '--import-proc-cmdline', '--deploy-index=0'],
      'Cannot specify both --import-from-proc-cmdline and --deploy-index',
    );
    await fails(['kargs', '--reboot'], 'Cannot reboot when kernel arguments not changed');
    expect((await node.must('kargs', '--deploy-index=1')).trim()).toContain('quiet');
    // Said without a condition, it is done whatever comes out.
    const trees = node.trees();
    expect((await run('kargs', '--replace=b=1', '--unchanged-exit-77')).status).toBe(0);
    expect(node.trees()[0]).not.toBe(trees[0]);
    const editor = join(node.dir, 'editor.sh');
    const edit = (script: string): Promise<Ran> => {
      writeFileSync(editor, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      return node.rpmOstree(['kargs', '--editor', `--sysroot=${node.sysroot}`], { EDITOR: editor });
    };
    expect((await edit('sed -i "s/b=1/b=2 c/" "$1"')).status).toBe(0);
    expect(await kargs()).toBe('root=LABEL=root a=3 b=2 c');
    expect((await edit(':')).stderr).toBe('error: The kernel arguments remained the same\n');
    expect((await edit('echo > "$1"')).stderr).toBe('error: The kernel arguments can not be empty\n');
    expect((await edit('echo ostree=/x >> "$1"')).stderr).toContain("You have an 'ostree' argument");
    // Somebody else was quicker.
    const raced = await edit(
      `sed -i "s/b=2/b=9/" "$1"; ostree admin set-origin --help >/dev/null 2>&1; touch ${node.sysroot}/ostree/deploy`,
    );
    expect(raced.stderr).toBe(
      'error: Conflict: bootloader configuration changed. Saved kernel arguments: \nroot=LABEL=root a=3 b=9 c\n',
    );
  });

  test('initramfs-etc and initramfs: what is shown, changed and refused', async () => {
    expect(await node.must('initramfs-etc')).toBe('No tracked files.\n');
    const etc = join(node.trees()[0]!, 'etc/early.conf');
    writeFileSync(etc, 'one\n');
    expect(await node.must('initramfs-etc', '--track=/etc/early.conf')).toMatch(
      /\nRun "systemctl reboot" to start a reboot\n$/,
    );
    const former = await run('ex', 'initramfs-etc');
    expect([former.stdout, former.stderr]).toEqual([
      'Tracked files:\n  /etc/early.conf\n',
      'NOTICE: This command is now stable and no longer requires `ex`.\nNOTICE: Please update scripts; support for this alias will be removed.\n',
    ]);
    expect(await node.must('initramfs-etc')).toBe('Tracked files:\n  /etc/early.conf\n');
    const again = await run('initramfs-etc', '--track=/etc/early.conf', '--unchanged-exit-77');
    expect([again.status, again.stdout]).toEqual([77, 'No changes.\n']);
    const overlays = (): string[] => readdirSync(join(node.sysroot, 'boot/ostree/initramfs-overlays'));
    const first = overlays();
    writeFileSync(join(node.trees()[0]!, 'etc/early.conf'), 'two\n');
    await node.must('initramfs-etc', '--force-sync');
    expect(overlays().length).toBeGreaterThan(first.length);
    await fails(['initramfs-etc', '--track=/usr/x'], 'Path outside /etc forbidden: /usr/x');
    await fails(
      ['initramfs-etc', '--reboot'],
      'Cannot use ---reboot without --track, --untrack, --untrack-all, or --force-sync',
    );
    await node.must('initramfs-etc', '--untrack-all');
    expect(await node.must('initramfs-etc')).toBe('No tracked files.\n');
    expect(await node.must('initramfs')).toBe('Initramfs regeneration: disabled\n');
    await fails(['initramfs', '--disable'], 'initramfs regeneration state is already disabled');
    await fails(['initramfs', '--arg=-v'], '--arg must be used with --enable');
    await fails(['initramfs', '--reboot'], '--reboot must be used with --enable or --disable');
    await fails(['initramfs-etc', '--track=/etc/../secret'], 'invalid path /etc/../secret: must be canonical');
    await fails(['rebase', 'ostree://'], 'Refspec is empty');
    await fails(['initramfs', '--enable', '--disable'], 'Cannot simultaenously specify --enable and --disable');
    await fails(['initramfs', '--disable', '--arg=-v'], 'Cannot simultaenously specify --disable and --arg');
  });

  test('cleanup, refresh-md, search, reload, cancel, finalize-deployment, history', async () => {
    const nothing = await run('cleanup');
    expect(nothing.stderr).toMatch(/error: usage error: At least one cleanup option must be specified\n$/);
    const cache = join(node.sysroot, 'ostree/deploy/fedora-coreos/var/cache/rpm-ostree');
    expect(await node.must('refresh-md', '-f')).toContain("Updating metadata for 'lab'...done\n");
    expect(existsSync(join(cache, 'repomd/lab'))).toBe(true);
    expect(await node.must('search', 'traffic')).toMatch(/^\n===== Summary Matched =====\ntcpdump : /);
    expect(await node.must('search', 'tcpdump')).toMatch(/^\n===== Name Matched =====\ntcpdump : /);
    expect(await node.must('search', 'nosuchthing')).toBe('No matches found.\n');
    await node.must('cleanup', '-m');
    expect(existsSync(join(cache, 'repomd'))).toBe(false);
    const [pending] = node.trees();
    await node.must('cleanup', '-r');
    expect(node.trees()).toEqual([pending]);
    expect(await node.must('cleanup', '-r')).toBe('Deployments unchanged.\n');
    expect(await node.must('reload')).toBe('');
    expect(await node.must('cancel')).toBe('No active transaction.\n');
    await fails(['finalize-deployment', '--allow-missing-checksum'], 'No pending staged deployment found');
    await fails(['rollback'], 'No rollback deployment found');
    const conf = join(pending!, 'etc/rpm-ostreed.conf');
    writeFileSync(conf, '[Daemon]\nAutomaticUpdatePolicy=sometimes\n');
    await fails(['reload'], "Invalid value for AutomaticUpdatePolicy: 'sometimes'");
    rmSync(conf);
    const history = await run('ex', 'history', '-n', '2');
    expect(history.stderr).toBe('NOTICE: Experimental commands are subject to change.\n');
    expect(history.stdout).toMatch(
      /^ +DeploymentCreated: \S+Z\n +CreateCommand: [\s\S]*older entries; use --all to see them\.\n$/,
    );
  });

  test('what cannot be asked for together, and a node that takes no layers', async () => {
    const base = rpmFile('own', '1', '/usr/share/own');
    await node.must('install', base);
    await fails(['install', base], "Package 'own-1-1.x86_64' is already layered");
    await node.must('uninstall', 'own');
    await node.must('override', 'remove', 'socat');
    await fails(
      ['install', 'socat', '--allow-inactive'],
      "Cannot request 'socat' provided by removed package 'socat-1.7.3.3-2.fc31.x86_64'",
    );
    await node.must('install', 'tcpdump');
    const conf = join(node.trees()[0]!, 'etc/rpm-ostreed.conf');
    writeFileSync(conf, '[Daemon]\nLockLayering=true\n');
    const locked = 'Local mutations are disabled by LockLayering=true in rpm-ostreed.conf';
    await fails(['install', 'buildah'], locked);
    await fails(['initramfs-etc', '--track=/etc/early.conf'], locked);
    await fails(['upgrade'], locked);
    await node.must('reset');
    await node.must('upgrade');
    expect(await look()).toMatchObject({ packages: [], 'requested-base-removals': [] });
    for (const tree of node.trees()) rmSync(join(tree, 'etc/rpm-ostreed.conf'), { force: true });
  });

  test('--os names the stateroot, --quiet leaves the steps out, --peer changes nothing', async () => {
    await fails(['install', 'tcpdump', '--os=nosuch'], 'OS name "nosuch" not found');
    const quiet = await run('install', 'tcpdump', '--os=fedora-coreos', '--quiet', '--peer');
    expect(quiet.stdout).toBe(
      'Added:\n  tcpdump-14:4.9.3-1.fc31.x86_64\nChanges queued for next boot. Run "systemctl reboot" to start a reboot\n',
    );
    await node.must('reset', '-l', '--install=buildah');
    expect(await look()).toMatchObject({ packages: ['buildah'] });
    await node.must('reset', '-o', '-i');
    expect(await look()).toMatchObject({ packages: ['buildah'] });
    await node.must('reset');
    expect(await look()).toMatchObject({ packages: [] });
    node.fsck();
  });
});
