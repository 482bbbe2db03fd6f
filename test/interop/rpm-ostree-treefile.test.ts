// Keys of treefiles, each judged by who knows what it should do: rpm which files a language or --excludedocs leaves out and
// what a file's signature is, the original ostree how labels come out and whether a tree can be deployed.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackage, type FileSpec } from '@coppice/rpm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootable, ComposeFolder, simplePackage, textFile } from './rpm-ostree-compose-support.ts';
import { Host, original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'rpm', 'rpmsign', 'gpg', 'createrepo_c', 'bwrap');
const shared = process.env['COPPICE_SHARED'] ?? join(import.meta.dirname, '../../../shared');
const signed = join(shared, 'rpms/imatest-1.0-1.fc34.noarch.rpm');

const translated: FileSpec[] = [
  { path: '/usr/share/words', type: 'directory' },
  ...['en', 'en_US', 'en_GB', 'de', 'de|fr', 'fr', 'pt_BR'].map((lang) =>
    textFile(`/usr/share/words/${lang.replace('|', '-')}`, lang, { lang }),
  ),
  textFile('/usr/share/words/plain', 'all'),
  { path: '/usr/share/only-fr', type: 'directory' },
  textFile('/usr/share/only-fr/x', 'fr', { lang: 'fr' }),
  { path: '/usr/share/below-fr', type: 'directory' },
  textFile('/usr/share/below-fr/x', 'fr', { lang: 'fr' }),
  textFile('/usr/share/below-fr/deep/kept', 'kept'),
  { path: '/usr/share/doc/words', type: 'directory' },
  textFile('/usr/share/doc/words/README', 'doc', { doc: true }),
  { path: '/usr/share/doc/more', type: 'directory' },
  textFile('/usr/share/doc/more/README', 'doc', { doc: true }),
  textFile('/usr/share/doc/more/COPYING', 'license', { license: true }),
];

const policy = (extra: FileSpec[] = []): FileSpec[] => [
  textFile('/etc/selinux/config', 'SELINUX=enforcing\nSELINUXTYPE=targeted\n'),
  textFile(
    '/etc/selinux/targeted/contexts/files/file_contexts',
    '/.*\tsystem_u:object_r:default_t:s0\n/usr(/.*)?\tsystem_u:object_r:usr_t:s0\n/etc(/.*)?\tsystem_u:object_r:etc_t:s0\n',
  ),
  ...extra,
];

describe.skipIf(reason !== undefined)(`treefiles ${reason ?? ''}`, () => {
  let folder: ComposeFolder;

  /** Composes `test/NAME` from the base packages, `packages` and further keys; returns the commit. */
  async function compose(name: string, keys: string, ...args: string[]): Promise<string> {
    folder.write(`${name}.yaml`, `${bootable}repos: [local]\nref: test/${name}\n${keys}`);
    const ran = await folder.tree(...args, `${name}.yaml`);
    expect(ran.stderr).toBe('');
    return folder.ostree('rev-parse', `test/${name}`).trim();
  }
  const list = (ref: string, ...args: string[]): string => folder.ostree('ls', '-R', ...args, ref);
  function checkout(ref: string): string {
    const dir = join(folder.dir, `out-${ref.replace('/', '-')}`);
    if (!existsSync(dir)) folder.ostree('checkout', ref, dir);
    return dir;
  }
  const packageFile = (name: string): string => join(folder.dir, 'yum-local', `${name}.rpm`);

  beforeAll(() => {
    folder = new ComposeFolder('treefile', 'bare');
    const programs = ['rpm', 'dnf'].map((n) => textFile(`/usr/bin/${n}`, `#!/bin/sh\n: ${n}\n`, { mode: 0o755 }));
    folder.publish('local', [
      ...ComposeFolder.world(),
      simplePackage('words', translated),
      simplePackage('unsubstituted', policy()),
      simplePackage(
        'substituted',
        policy([textFile('/etc/selinux/targeted/contexts/files/file_contexts.subs_dist', '')]),
      ),
      simplePackage('programs', programs),
      simplePackage('optional', [textFile('/usr/lib/opt/x', 'x'), textFile('/usr/share/o', 'o')]),
    ]);
    if (existsSync(signed)) {
      copyFileSync(signed, packageFile('imatest'));
      original('createrepo_c', '-q', join(folder.dir, 'yum-local'));
    }
  });
  afterAll(() => folder.end());

  /** What rpm itself puts on disk and says of each file, and what our tree and database have. */
  function compareWithRpm(name: string, rpmArguments: string[]): void {
    const root = join(folder.dir, `rpm-${name}`);
    mkdirSync(root);
    const database = ['--root', root, '--dbpath', '/usr/share/rpm'];
    original('rpm', ...database, ...rpmArguments, '-i', '--nodeps', '--ignorearch', '--ignoreos', packageFile('words'));
    const states = (dir: string): string =>
      original('rpm', '--root', dir, '--dbpath', '/usr/share/rpm', '-q', '--state', 'words');
    const tree = checkout(`test/${name}`);
    expect(states(tree)).toBe(states(root));
    const files = (dir: string): string =>
      original('sh', '-c', `cd ${dir}/usr/share && find words only-fr below-fr doc 2>/dev/null | LC_ALL=C sort; true`);
    expect(files(tree)).toBe(files(root));
    expect(states(root)).toContain('not installed');
  }

  test('install-langs leaves out what rpm leaves out', async () => {
    await compose('langs', 'packages-x86_64: [words]\ninstall-langs: [en_US, de]\n');
    compareWithRpm('langs', ['--define', '_install_langs en_US:de']);
  });

  test('documentation: false leaves out what rpm --excludedocs leaves out', async () => {
    await compose('nodocs', 'packages-x86_64: [words]\ndocumentation: false\n');
    compareWithRpm('nodocs', ['--excludedocs']);
    // Packages imported one way are imported anew for the other.
    await compose('docs', 'packages-x86_64: [words]\n');
    expect(list('test/docs')).toContain(' /usr/share/doc/words/README\n');
  });

  test.skipIf(!existsSync(signed))('ima: signatures of files as rpm tells them', async () => {
    await compose('unsigned', 'packages-x86_64: [test]\n');
    expect(list('test/unsigned', '-X')).not.toContain('security.ima');
    await compose('ima', 'packages-x86_64: [test]\nima: true\n');
    const rows = original('rpm', '-qp', '--nosignature', '--qf', '[%{FILENAMES} %{FILESIGNATURES}\n]', signed)
      .trim()
      .split('\n')
      .map((row) => row.split(' ') as [string, string]);
    const tree = checkout('test/ima');
    let seen = 0;
    for (const [path, signature] of rows) {
      if (!/^[0-9a-f]+$/.test(signature) || /^0{18}/.test(signature) || !existsSync(join(tree, path))) continue;
      const shown = original('getfattr', '--absolute-names', '-n', 'security.ima', '-e', 'hex', join(tree, path));
      expect(shown).toContain(`security.ima=0x${signature}\n`);
      seen += 1;
    }
    expect(seen).toBeGreaterThan(0);
  });

  test('labels of /usr/etc: as the policy says, or as those of /etc', async () => {
    const label = (name: string): string =>
      /object_r:(\w+):s0/.exec(folder.ostree('ls', '-X', `test/${name}`, '/usr/etc/selinux/config'))![1]!;
    const labelled = 'selinux: true\n';
    const base = bootable.replace('selinux: false\n', labelled);
    const tree = async (name: string, keys: string): Promise<string> => {
      folder.write(`${name}.yaml`, `${base}repos: [local]\nref: test/${name}\n${keys}`);
      expect((await folder.tree(`${name}.yaml`)).stderr).toBe('');
      return label(name);
    };
    expect(await tree('label0', 'packages-x86_64: [unsubstituted]\n')).toBe('usr_t');
    expect(await tree('label1', 'packages-x86_64: [unsubstituted]\nselinux-label-version: 1\n')).toBe('etc_t');
    expect(await tree('substituted', 'packages-x86_64: [substituted]\n')).toBe('etc_t');
    expect(
      folder.ostree('cat', 'test/substituted', '/usr/etc/selinux/targeted/contexts/files/file_contexts.subs_dist'),
    ).toBe('/home /var/home\n/usr/etc /etc\n/usr/lib/opt /opt\n');
    const disabled = await folder.tree('--disable-selinux', '--force-nocache', 'label1.yaml');
    expect(disabled.stderr).toBe('');
    expect(list('test/label1', '-X')).not.toContain('security.selinux');
  });

  test('cliwrap: programs behind wrappers, yum and dnf in any case', async () => {
    await compose('wrapped', 'packages-x86_64: [programs]\ncliwrap: true\n');
    const tree = checkout('test/wrapped');
    const text = (path: string): string => original('cat', join(tree, path));
    const real = 'usr/libexec/rpm-ostree/wrapped';
    for (const name of ['rpm', 'dnf']) {
      expect(text(`${real}/${name}`)).toBe(`#!/bin/sh\n: ${name}\n`);
      expect(text(`usr/bin/${name}`)).toContain(`binary is now located at: ${real}/${name}\n`);
    }
    expect(text('usr/bin/yum')).toContain('to implement this CLI interface');
    expect(existsSync(join(tree, 'usr/sbin/grubby'))).toBe(false);
    expect(list('test/wrapped')).toMatch(/^-00755 0 0 +\d+ \/usr\/bin\/rpm$/m);
    for (const [keys, why] of [
      ['cliwrap-binaries: [rpm]\n', 'cliwrap-binaries: unknown variant `rpm`, expected `kernel-install`'],
      ['selinux-label-version: 2\n', 'selinux-label-version: unknown version 2, expected 0 or 1'],
    ] as const) {
      folder.write('wrong.yaml', `${bootable}repos: [local]\nref: test/wrong\n${keys}`);
      expect((await folder.tree('wrong.yaml')).stderr).toBe(`error: ${why}\n`);
    }
  });

  describe('kernels', () => {
    let host: Host;
    const kver = '5.4.10-200.fc31.x86_64';

    beforeAll(async () => {
      for (const place of ['new', 'both', 'modules']) await compose(place, `boot-location: ${place}\n`);
      host = new Host(join(folder.dir, 'host'));
      mkdirSync(host.dir);
      mkdirSync(host.sysroot);
      original('/usr/bin/ostree', 'admin', 'init-fs', host.sysroot);
      original('/usr/bin/ostree', 'admin', 'os-init', 'os', `--sysroot=${host.sysroot}`);
      original('/usr/bin/ostree', `--repo=${host.repo}`, 'config', 'set', 'sysroot.bootloader', 'none');
    });

    test('are where boot-location says, and 2014 means new', async () => {
      const names = (dir: string): string[] => [`${dir}/initramfs-${kver}.img-SUM`, `${dir}/vmlinuz-${kver}-SUM`];
      const paths = (ref: string): string[] =>
        list(ref)
          .split('\n')
          .flatMap((line) => / (\/\S*\/(?:vmlinuz|initramfs)\S*)$/.exec(line)?.[1] ?? [])
          .map((path) => path.replace(/[0-9a-f]{64}$/, 'SUM'))
          .sort();
      const modules = [`/usr/lib/modules/${kver}/initramfs.img`, `/usr/lib/modules/${kver}/vmlinuz`];
      expect(paths('test/modules')).toEqual(modules);
      expect(paths('test/new')).toEqual([...modules, ...names('/usr/lib/ostree-boot')].sort());
      expect(paths('test/both')).toEqual([...modules, ...names('/boot'), ...names('/usr/lib/ostree-boot')].sort());
      await compose('default', '');
      const without = (ref: string): string => list(ref).replace(/^.*treefile\.json$/m, '');
      expect(without('test/default')).toBe(without('test/new'));
      // The name ends in what coreutils make of kernel and initramfs.
      const tree = checkout('test/new');
      const sum = original(
        'sh',
        '-c',
        `cd ${tree}${modules[0]!.replace(/\/[^/]*$/, '')} && cat vmlinuz initramfs.img | sha256sum`,
      );
      expect(existsSync(join(tree, `usr/lib/ostree-boot/vmlinuz-${kver}-${sum.slice(0, 64)}`))).toBe(true);
    });

    test.each(['new', 'both', 'modules'])('the original deploys %s', (place) => {
      original('/usr/bin/ostree', `--repo=${host.repo}`, 'pull-local', join(folder.dir, 'repo'), `test/${place}`);
      original('/usr/bin/ostree', 'admin', 'deploy', `--sysroot=${host.sysroot}`, '--os=os', `test/${place}`);
      expect(original('sh', '-c', `ls ${host.sysroot}/boot/ostree/*/`)).toContain(`vmlinuz-${kver}`);
      original(
        'sh',
        '-c',
        `cmp ${host.trees()[0]}/usr/lib/modules/${kver}/vmlinuz ${host.sysroot}/boot/ostree/os-*/vmlinuz-${kver}`,
      );
    });

    test('a replaced kernel takes its copies with it, and the original deploys what is left', async () => {
      const release = '300.fc31';
      const moved = (path: string): string => path.replaceAll('200.fc31', release);
      const files = ComposeFolder.world()
        .filter((p) => p.name.startsWith('kernel'))
        .map((spec) => {
          const path = join(folder.dir, `${spec.name}-300.rpm`);
          const changed = (spec.files ?? []).map((f) => ({
            ...f,
            path: moved(f.path),
            ...(f.path.endsWith('vmlinuz') ? { content: 'another kernel\n' } : {}),
          }));
          writeFileSync(path, buildPackage({ ...spec, release, files: changed }).bytes());
          return path;
        });
      original('/usr/bin/ostree', 'admin', 'deploy', `--sysroot=${host.sysroot}`, '--os=os', 'test/new');
      await host.must('override', 'replace', ...files);
      const tree = host.trees()[0]!;
      const found = original('sh', '-c', `cd ${tree} && find . -name 'vmlinuz*' -o -name 'initramfs*' | LC_ALL=C sort`)
        .trim()
        .split('\n')
        .map((p) => p.replace(/[0-9a-f]{64}$/, 'SUM'));
      const next = moved(kver);
      expect(found).toEqual([
        `./usr/lib/modules/${next}/initramfs.img`,
        `./usr/lib/modules/${next}/vmlinuz`,
        `./usr/lib/ostree-boot/initramfs-${next}.img-SUM`,
        `./usr/lib/ostree-boot/vmlinuz-${next}-SUM`,
      ]);
      host.fsck();
      const commit = /deploy\/([0-9a-f]{64})\./.exec(tree)![1]!;
      original('/usr/bin/ostree', 'admin', 'deploy', `--sysroot=${host.sysroot}`, '--os=os', commit);
    });
  });

  test('a node puts programs behind wrappers and takes them out again', async () => {
    const host = new Host(join(folder.dir, 'wrapping'));
    mkdirSync(host.sysroot, { recursive: true });
    original('/usr/bin/ostree', 'admin', 'init-fs', host.sysroot);
    original('/usr/bin/ostree', 'admin', 'os-init', 'os', `--sysroot=${host.sysroot}`);
    original('/usr/bin/ostree', `--repo=${host.repo}`, 'config', 'set', 'sysroot.bootloader', 'none');
    await compose('tools', 'packages-x86_64: [programs]\n');
    original('/usr/bin/ostree', `--repo=${host.repo}`, 'pull-local', join(folder.dir, 'repo'), 'test/tools');
    original('/usr/bin/ostree', 'admin', 'deploy', `--sysroot=${host.sysroot}`, '--os=os', 'test/tools');
    const text = (path: string): string => original('cat', join(host.trees()[0]!, path));
    const plain = text('usr/bin/rpm');
    await host.must('deploy', '--ex-cliwrap=true');
    expect(text('usr/libexec/rpm-ostree/wrapped/rpm')).toBe(plain);
    expect(text('usr/bin/rpm')).toContain('exec /usr/bin/rpm-ostree cliwrap $0 "$@"\n');
    expect(text('usr/bin/yum')).toContain('rpm-ostree cliwrap');
    expect(await host.must('status')).toMatch(/^ +Cliwrap: enabled$/m);
    host.fsck();
    await host.must('deploy', '--ex-cliwrap=false');
    expect(text('usr/bin/rpm')).toBe(plain);
    expect(existsSync(join(host.trees()[0]!, 'usr/bin/yum'))).toBe(false);
  });

  test('files and layers that a treefile names count for changes', async () => {
    const layerRepo = join(folder.dir, 'layers');
    const layer = (text: string): void => {
      const dir = join(folder.dir, 'layer');
      mkdirSync(join(dir, 'etc'), { recursive: true });
      writeFileSync(join(dir, 'etc/layered'), text);
      original(
        '/usr/bin/ostree',
        `--repo=${layerRepo}`,
        'commit',
        '-b',
        'overlay',
        '--owner-uid=0',
        '--owner-gid=0',
        `--tree=dir=${dir}`,
      );
    };
    original('/usr/bin/ostree', `--repo=${layerRepo}`, 'init', '--mode=bare');
    layer('one\n');
    folder.write('added.txt', 'one\n');
    const keys = 'add-files: [[added.txt, /usr/share/added]]\nostree-layers: [overlay]\n';
    const again = async (): Promise<string> => await compose('external', keys, '--layer-repo=layers');
    const first = await again();
    expect(await again()).toBe(first);
    folder.write('added.txt', 'two\n');
    const second = await again();
    expect(second).not.toBe(first);
    expect(folder.ostree('cat', 'test/external', '/usr/share/added')).toBe('two\n');
    layer('two\n');
    expect(await again()).not.toBe(second);
    expect(folder.ostree('cat', 'test/external', '/usr/etc/layered')).toBe('two\n');
    // Only trees come from elsewhere, no commits of packages and layers.
    const commits = original('sh', '-c', `ls ${folder.dir}/repo/objects/*/*.commit | wc -l`);
    const known = new Set(
      folder
        .ostree('refs')
        .trim()
        .split('\n')
        .flatMap((ref) => folder.ostree('log', ref).match(/^commit \S+/gm) ?? []),
    );
    expect(Number(commits)).toBe(known.size);
    const without = await folder.tree('external.yaml');
    expect(without.stderr).toMatch(/^error: [^\n]*overlay[^\n]*\n$/);
    folder.write('added.txt', 'three\n');
    original('rm', join(folder.dir, 'added.txt'));
    expect((await folder.tree('--layer-repo=layers', 'external.yaml')).stderr).toMatch(
      /^error: Can't open file "\S+added\.txt" for reading: No such file or directory\n$/,
    );
  });

  test('lockfile-repos serve locked packages only; repovars; excluded packages', async () => {
    const yum = folder.publish('locked', [simplePackage('only-locked', [textFile('/usr/share/l', 'l')])]);
    folder.write('varied.repo', `[varied]\nbaseurl=file://$place\n`);
    const keys = `packages-x86_64: [only-locked]\nlockfile-repos: [varied]\nrepovars: {place: ${yum}}\n`;
    folder.write('locked.yaml', `${bootable}repos: [local]\nref: test/locked\n${keys}`);
    expect((await folder.tree('locked.yaml')).stderr).toBe('error: Packages not found: only-locked\n');
    folder.write('other.json', '{"packages": {}}');
    expect((await folder.tree('--ex-lockfile=other.json', 'locked.yaml')).stderr).toBe(
      'error: Packages not found: only-locked\n',
    );
    folder.write('lock.json', '{"packages": {"only-locked": {"evra": "1-1.noarch"}}}');
    expect((await folder.tree('--ex-lockfile=lock.json', 'locked.yaml')).stderr).toBe('');
    folder.write(
      'gone.json',
      '{"packages": {"only-locked": {"evra": "1-1.noarch"}, "gone": {"evra": "3:2-1.noarch"}, "words": {"evra": "1-1.noarch", "digest": "sha256:00"}}}',
    );
    expect((await folder.tree('--ex-lockfile=gone.json', 'locked.yaml')).stderr).toBe(
      "warning: Couldn't find locked package 'gone-3:2-1.noarch' (pkgs matching NEVRA: 0; mismatched checksums: 0)\n" +
        "warning: Couldn't find locked package 'words-1-1.noarch' (pkgs matching NEVRA: 1; mismatched checksums: 1)\n",
    );
    expect((await folder.tree('--ex-lockfile-strict', 'locked.yaml')).stderr).toBe(
      'error: --ex-lockfile-strict requires --ex-lockfile\n',
    );
    folder.write('excluded.yaml', `${bootable}repos: [local]\nref: x\nexclude-packages: [systemd]\n`);
    expect((await folder.tree('excluded.yaml')).stderr).toBe(
      'error: Package systemd is both in packages and in exclude-packages\n',
    );
  });

  test('gpgcheck and repo_gpgcheck: signatures that rpmsign and gpg made, and none', async () => {
    const home = join(folder.dir, 'gpg');
    mkdirSync(home, { mode: 0o700 });
    const gpg = (...args: string[]): string =>
      original('gpg', '--homedir', home, '--batch', '--passphrase', '', '--pinentry-mode', 'loopback', ...args);
    gpg('--quick-generate-key', 'packages@example.com', 'rsa2048', 'sign', 'never');
    const key = join(folder.dir, 'key.asc');
    gpg('--armor', '--output', key, '--export');
    const yum = folder.publish('checked', [
      ...ComposeFolder.world('base'),
      simplePackage('late', [textFile('/usr/share/late', 'l')]),
    ]);
    const repo = (more: string): string =>
      folder.write('checked.repo', `[checked]\nbaseurl=file://${yum}\ngpgkey=file://${key}\n${more}`);
    folder.write('checked.yaml', `${bootable}repos: [checked]\nref: test/checked\npackages-x86_64: [late]\n`);
    repo('gpgcheck=1\n');
    const unsigned = await folder.tree('checked.yaml');
    expect(unsigned.stderr).toMatch(
      /^error: package \S+ cannot be verified and repo checked is GPG enabled: [^\n]*\n$/,
    );
    expect(folder.ostree('refs')).not.toContain('test/checked');
    const sign = (...names: string[]): string =>
      original(
        'rpmsign',
        '--define',
        `_gpg_path ${home}`,
        '--define',
        '__gpg /usr/bin/gpg',
        '--define',
        '_gpg_name packages@example.com',
        '--addsign',
        ...names.map((name) => join(yum, name)),
      );
    sign(...readdirSync(yum).filter((n) => n.endsWith('.rpm') && n !== 'late.rpm'));
    original('createrepo_c', '-q', yum);
    expect((await folder.tree('checked.yaml')).stderr).toMatch(/^error: package late-1-1\.noarch cannot be verified /);
    sign('late.rpm');
    original('createrepo_c', '-q', yum);
    expect((await folder.tree('checked.yaml')).stderr).toBe('');
    repo('repo_gpgcheck=1\n');
    expect((await folder.tree('--force-nocache', 'checked.yaml')).stderr).toMatch(
      /^error: Updating rpm-md repo 'checked': [^\n]+\n$/,
    );
    gpg('--armor', '--detach-sign', join(yum, 'repodata/repomd.xml'));
    expect((await folder.tree('--force-nocache', 'checked.yaml')).stderr).toBe('');
  });

  test('included by condition, architecture and kickstart; programs of finalize.d run over the tree', async () => {
    mkdirSync(join(folder.dir, 'sub/finalize.d'), { recursive: true });
    folder.write('sub/more.ks', '# packages\n%packages --exclude-weakdeps\nwords\n-optional\n%end\n');
    folder.write('sub/arch.yaml', 'add-commit-metadata: {arch: "${basearch}"}\n');
    folder.write('sub/never.yaml', 'packages: [nosuch]\n');
    const program = folder.write(
      'sub/finalize.d/10-first',
      '#!/bin/sh\nset -e\necho done > usr/share/finalized\n[ -e "$RPMOSTREE_WORKDIR/top.yaml" ]\nchmod 600 usr/share/words/plain\nrm -r usr/share/only-fr\nln -s finalized usr/share/link\n',
    );
    chmodSync(program, 0o755);
    folder.write('sub/finalize.d/20-not-executable', 'exit 1\n');
    folder.write('sub/local.repo', folder.read('local.repo'));
    folder.write(
      'sub/top.yaml',
      `edition: "2024"\nselinux: false\nref: test/\${stream}\nrepos: [local]\nreleasever: 31\nvariables: {stream: dev, extra: true}\n` +
        'packages: [kernel, systemd, busybox, fedora-release-coreos]\ninclude: more.ks\narch-include: {x86_64: arch.yaml, s390x: never.yaml}\n' +
        'conditional-include:\n  - {if: ["stream == \\"dev\\"", "releasever >= 31"], include: {add-commit-metadata: {stream: "${stream}"}}}\n  - {if: extra == false, include: never.yaml}\n',
    );
    const ran = await folder.tree('sub/top.yaml');
    expect(ran.stderr).toBe('');
    const key = (name: string): string => folder.ostree('show', `--print-metadata-key=${name}`, 'test/dev');
    expect(key('arch')).toBe("'x86_64'\n");
    expect(key('stream')).toBe("'dev'\n");
    expect(folder.ostree('cat', 'test/dev', '/usr/share/finalized')).toBe('done\n');
    expect(list('test/dev')).toMatch(/^-00600 .* \/usr\/share\/words\/plain$/m);
    expect(list('test/dev')).toMatch(/ \/usr\/share\/link -> finalized$/m);
    expect(list('test/dev')).not.toContain('/usr/share/only-fr');
    folder.write('sub/finalize.d/10-first', '#!/bin/sh\nexit 7\n');
    expect((await folder.tree('--force-nocache', 'sub/top.yaml')).stderr).toBe(
      'error: Running finalize.d: Failed to execute 10-first: exited with 7\n',
    );
    // Edition 2024: /tmp is a directory, no copies of the kernel, no empty machine-id.
    expect(list('test/dev')).toMatch(/^d01777 .* \/tmp$/m);
    expect(list('test/dev')).not.toMatch(/ostree-boot\/vmlinuz| \/usr\/etc\/machine-id/);
    folder.ostree('fsck', '-q');
  });
});
