// A base of real packages and its successor with 30 of them changed: after every step rpm, the original ostree and our own
// words agree. Once with files of this machine, once with Debian's packages as rpmbuild repackages them.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { hostFs } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import { buildPackage, type PackageSpec } from '@coppice/rpm';
import { composeCommit, parseNevra, typeTreefile } from '@coppice/rpm-ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debianWorld, type LayeringWorld, makeLayeringWorld } from '../../bench/layering-world.ts';
import { debianBase } from '../judges/debian-base.ts';
import { Host, original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'rpm', 'bwrap', 'unshare', 'dpkg-query');

function program(name: string, version: string, requires: readonly string[], extra: Partial<PackageSpec> = {}) {
  return {
    name,
    version,
    release: '1',
    arch: 'x86_64',
    summary: name,
    license: 'Various',
    buildTime: 1_580_000_000,
    files: [{ path: `/usr/bin/${name}`, mode: 0o755, content: Buffer.from(`#!/bin/sh\necho ${name} ${version}\n`) }],
    requires,
    ...extra,
  } satisfies PackageSpec;
}

// Dependencies as Debian states them; what is not in the base comes along from the repository.
const base = [program('podman', '4.3.1', ['libc6', 'libseccomp2', 'conmon']), program('conmon', '2.1.6', ['libc6'])];
const repository = [
  program('buildah', '1.28.2', ['libc6', 'golang-github-containers-common', 'libgpgme11', 'libseccomp2', 'uidmap']),
  program('golang-github-containers-common', '0.50.1', []),
  program('libgpgme11', '1.18.0', ['libc6']),
  program('uidmap', '4.13', ['libc6']),
  program('tcpdump', '4.99.3', ['libc6', 'libpcap0.8', '/bin/sh'], {
    epoch: 14,
    scripts: { pre: 'echo tcpdump:x:72:72::/:/usr/sbin/nologin >> /etc/passwd\necho tcpdump:x:72: >> /etc/group\n' },
  }),
  program('libpcap0.8', '1.10.3', ['libc6']),
];
/** The packages of a base and what is done to it. */
interface Scenario extends LayeringWorld {
  /** Another build of a base package, and the NEVRA it has. */
  readonly override: { readonly path: string; readonly nevra: string };
  /** What comes along with buildah and tcpdump. */
  readonly needed: readonly string[];
}

/** Files of this machine's own packages; dependencies as Debian states them. */
function madeUp(dir: string): Scenario {
  const world = makeLayeringWorld(dir, 160, { changed: 30, include: ['libc6', 'libseccomp2'], base, repository });
  const path = join(dir, 'conmon.rpm');
  writeFileSync(path, buildPackage(program('conmon', '2.2', ['libc6'])).bytes());
  return { ...world, override: { path, nevra: 'conmon-2.2-1.x86_64' }, needed: ['libpcap0.8', 'uidmap'] };
}

/** Debian's packages with what rpmbuild's generators find in them. */
function debian(dir: string): Scenario {
  const world = debianWorld(dir);
  const [path] = world.overrides;
  return { ...world, override: { path: path!, nevra: basename(path!, '.rpm') }, needed: ['libpcap0.8'] };
}

const scenarios: readonly (readonly [string, ((dir: string) => Scenario) | undefined])[] = [
  ['160 packages', madeUp],
  ['Debian', debianBase() === undefined ? undefined : debian],
];

for (const [name, make] of scenarios) {
  const why = reason ?? (make === undefined ? '(test/judges/debian-base.ts makes the packages)' : undefined);
  describe.skipIf(why !== undefined)(`a base of ${name} ${why ?? ''}`, () => steps(make!));
}

function steps(make: (dir: string) => Scenario): void {
  let host: Host;
  let world: Scenario;
  let first: string;
  const ref = 'large/x86_64/base';

  async function compose(packages: readonly string[], version: string): Promise<string> {
    const result = await composeCommit({
      repo: Repo.open(join(host.dir, 'archive'), { fs: hostFs }),
      packages,
      treefile: typeTreefile({ ref, 'tmp-is-dir': true }),
      timestamp: 1_580_000_000 + Number(version),
      version,
      scratch: join(host.dir, 'scratch'),
    });
    original('/usr/bin/ostree', `--repo=${join(host.dir, 'archive')}`, 'summary', '-u');
    return result.commit;
  }

  beforeAll(async () => {
    host = new Host(mkdtempSync(join(tmpdir(), 'coppice-large-')));
    const { dir, sysroot } = host;
    world = make(dir);
    mkdirSync(sysroot);
    original('/usr/bin/ostree', `--repo=${join(dir, 'archive')}`, 'init', '--mode=bare');
    first = await compose(world.base, '1');
    original('/usr/bin/ostree', 'admin', 'init-fs', sysroot);
    original('/usr/bin/ostree', 'admin', 'os-init', 'large', `--sysroot=${sysroot}`);
    const repo = `--repo=${host.repo}`;
    original('/usr/bin/ostree', repo, 'config', 'set', 'sysroot.bootloader', 'none');
    original('/usr/bin/ostree', repo, 'remote', 'add', '--no-gpg-verify', 'r', `file://${join(dir, 'archive')}`);
    original('/usr/bin/ostree', repo, 'pull', 'r', ref);
    original('/usr/bin/ostree', 'admin', 'deploy', `--sysroot=${sysroot}`, '--os=large', `r:${ref}`);
    const etc = join(host.trees()[0]!, 'etc/yum.repos.d');
    mkdirSync(etc, { recursive: true });
    writeFileSync(join(etc, 'large.repo'), `[large]\nbaseurl=file://${world.repository}\ngpgcheck=0\n`);
  });
  afterAll(() => host.end());

  /** All judges on the default deployment; what is not on disk as packaged, for rpm. */
  async function judge(): Promise<string[]> {
    const tree = host.trees()[0]!;
    const installed = host.installed(tree);
    const commit = /([0-9a-f]{64})\.\d+$/.exec(tree)![1]!;
    const list = await host.rpmOstree(['db', 'list', commit, `--repo=${host.repo}`]);
    expect(
      list.stdout
        .split('\n')
        .slice(1, -1)
        .map((l) => l.trim())
        .sort(),
    ).toEqual(installed);
    host.fsck();
    const refs = original('/usr/bin/ostree', `--repo=${host.repo}`, 'refs').split('\n');
    for (const name of refs.filter((r) => r.startsWith('rpmostree/pkg/'))) expect(name).toMatch(/^[\w./+-]+$/);
    expect(original('/usr/bin/ostree', 'admin', 'status', `--sysroot=${host.sysroot}`)).not.toContain('error');
    return installed;
  }

  /** Composing and layering tell libsemanage in its configuration that the modules are in /etc, as the original does. */
  const changedOnPurpose = (): string[] =>
    existsSync(join(host.trees()[0]!, 'usr/etc/selinux/semanage.conf'))
      ? ['S.5......  c /etc/selinux/semanage.conf']
      : [];

  /** rpm -Va without times, which an ostree tree does not keep. */
  function verify(): string[] {
    const script = `rpm -Va --nomtime --nodeps --noscripts --dbpath /usr/share/rpm --root '${host.trees()[0]}' || true`;
    return original('sh', '-c', script)
      .split('\n')
      .filter((l) => l !== '');
  }

  const added = (from: readonly string[], to: readonly string[]): string[] => to.filter((p) => !from.includes(p));
  const state: string[][] = [];

  test('the base', async () => {
    state.push(await judge());
    expect(state[0]!.length).toBeGreaterThan(150);
    for (const name of ['kernel-core', 'systemd', 'podman'])
      expect(state[0]!.some((p) => parseNevra(p).name === name)).toBe(true);
    expect(verify()).toEqual(changedOnPurpose());
  });

  test('install two with what they need', async () => {
    const out = await host.must('install', 'buildah', 'tcpdump');
    state.push(await judge());
    const more = added(state[0]!, state[1]!);
    for (const name of ['buildah', 'tcpdump', ...world.needed])
      expect(more.some((p) => parseNevra(p).name === name)).toBe(true);
    for (const p of more) expect(out).toContain(`  ${p}\n`);
    // The script of tcpdump made its account.
    const accounts = ['usr/etc/passwd', 'usr/lib/passwd'].map((f) => join(host.trees()[0]!, f));
    const text = accounts.map((f) => (existsSync(f) ? readFileSync(f, 'utf8') : '')).join('');
    expect(text).toMatch(/^tcpdump:[x!]:72:72:/m);
    expect(verify()).toEqual(changedOnPurpose());
  });

  test('override one', async () => {
    await host.must('override', 'replace', world.override.path);
    state.push(await judge());
    expect(added(state[1]!, state[2]!)).toEqual([world.override.nevra]);
    expect(verify()).toEqual(changedOnPurpose());
  });

  test('upgrade to a base with 30 changed packages', async () => {
    await compose(world.later, '2');
    await host.must('upgrade');
    state.push(await judge());
    const more = added(state[2]!, state[3]!);
    expect(more).toHaveLength(30);
    const diff = await host.must(
      'db',
      'diff',
      '--format=diff',
      ...host
        .trees()
        .slice(0, 2)
        .reverse()
        .map((t) => /([0-9a-f]{64})\.\d+$/.exec(t)![1]!),
    );
    for (const p of more) expect(diff).toContain(parseNevra(p).name);
    expect(diff.split('\n').filter((l) => l.startsWith('!') || l.startsWith('+')).length).toBe(30);
    expect(verify()).toEqual(changedOnPurpose());
  });

  test('roll back and return, rebase, uninstall, reset', async () => {
    await host.must('rollback');
    expect(await judge()).toEqual(state[2]);
    await host.must('rollback');
    expect(await judge()).toEqual(state[3]);
    original('/usr/bin/ostree', `--repo=${join(host.dir, 'archive')}`, 'refs', `--create=large/x86_64/old`, first);
    original('/usr/bin/ostree', `--repo=${join(host.dir, 'archive')}`, 'summary', '-u');
    await host.must('rebase', '-b', 'r:large/x86_64/old');
    expect(await judge()).toEqual(state[2]);
    await host.must('uninstall', 'tcpdump');
    expect((await judge()).some((p) => p.startsWith('tcpdump') || p.startsWith('libpcap'))).toBe(false);
    expect(verify()).toEqual(changedOnPurpose());
    await host.must('reset');
    expect(await judge()).toEqual(state[0]);
    expect(verify()).toEqual(changedOnPurpose());
    expect(readFileSync(`${host.trees()[0]}.origin`, 'utf8')).toBe('[origin]\nrefspec=r:large/x86_64/old\n');
  });

  test.skipIf(make !== debian)('an initramfs made by dracut of the tree (Debian has it)', async () => {
    const tree = (): string => host.trees()[0]!;
    const image = (): string => {
      const modules = join(tree(), 'usr/lib/modules');
      return `/usr/lib/modules/${readdirSync(modules)[0]}/initramfs.img`;
    };
    const before = readFileSync(join(tree(), image()));
    // Without drivers, which take dracut a minute.
    const out = await host.must('initramfs', '--enable', '--arg=--no-kernel', '--arg=-m', '--arg=base');
    expect(out).toContain('Generating initramfs...done\n');
    expect(out).toMatch(/Initramfs regeneration is now: enabled\n/);
    expect(await host.must('initramfs')).toMatch(/^Initramfs regeneration: enabled\nInitramfs args: .*--no-kernel/);
    expect(readFileSync(join(tree(), image())).equals(before)).toBe(false);
    const list = original('chroot', tree(), 'lsinitrd', image());
    expect(list).toMatch(/^Arguments: .*--reproducible.* --no-kernel -m 'base' --kver /m);
    expect(list).toMatch(/ usr\/lib\/ostree\/ostree-prepare-root$/m);
    host.fsck();
    await host.must('initramfs', '--disable');
    expect(readFileSync(join(tree(), image())).equals(before)).toBe(true);
  });
}
