// A tree with an SELinux policy and Debian's semodule: the compiled policy is the one that semodule makes of the tree, and
// labels are those that libselinux finds.
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileSpec } from '@coppice/rpm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootable, ComposeFolder, simplePackage, textFile } from './rpm-ostree-compose-support.ts';
import { original, skipReason } from './rpm-ostree-support.ts';

const reason =
  process.getuid?.() === 0
    ? skipReason('/usr/bin/ostree', 'createrepo_c', 'bwrap', 'semodule', 'matchpathcon')
    : 'needs root';

/** The least that libsemanage makes a policy of. */
const module = `
(handleunknown allow)
(mls true)
(policycap open_perms)
(sid kernel)
(sidorder (kernel))
(class file (read open))
(class dir (read))
(class process (transition))
(classorder (file dir process))
(sensitivity s0)
(sensitivityorder (s0))
(category c0)
(categoryorder (c0))
(sensitivitycategory s0 (c0))
(type usr_t)
(type etc_t)
(type home_t)
(type bin_t)
(role object_r)
(role system_r)
(user system_u)
(userrole system_u system_r)
(userrole system_u object_r)
(userlevel system_u (s0))
(userrange system_u ((s0) (s0 (c0))))
(roletype object_r usr_t)
(roletype object_r etc_t)
(roletype object_r home_t)
(roletype object_r bin_t)
(roletype system_r usr_t)
(sidcontext kernel (system_u system_r usr_t ((s0) (s0))))
(allow usr_t usr_t (file (read open)))
(selinuxuserdefault system_u ((s0) (s0)))
(filecon "/.*" any (system_u object_r usr_t ((s0) (s0))))
(filecon "/etc(/.*)?" any (system_u object_r etc_t ((s0) (s0))))
(filecon "/home(/.*)?" any (system_u object_r home_t ((s0) (s0))))
(filecon "/usr/bin(/.*)?" any (system_u object_r bin_t ((s0) (s0))))
`;

/** Programs of this machine with the libraries they load, under their names in a merged /usr. */
function programs(...paths: string[]): FileSpec[] {
  const wanted = new Set(paths);
  for (const path of paths)
    for (const line of original('ldd', path).split('\n')) {
      const library = /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1];
      if (library !== undefined) wanted.add(library);
    }
  return [...wanted].map((path) => ({
    path: path.startsWith('/usr/') ? path : `/usr${path}`,
    mode: 0o755,
    content: readFileSync(realpathSync(path)),
  }));
}

/** Everything below a directory, with links. */
function directory(from: string, to: string): FileSpec[] {
  return readdirSync(from).flatMap((name): FileSpec[] => {
    const path = join(from, name);
    const stat = lstatSync(path);
    const target = `${to}/${name}`;
    if (name.endsWith('.LOCK')) return [];
    if (stat.isDirectory()) return [{ path: target, type: 'directory' }, ...directory(path, target)];
    if (stat.isSymbolicLink()) return [{ path: target, type: 'symlink', target: readlinkSync(path) }];
    return [{ path: target, mode: stat.mode & 0o777, content: readFileSync(path) }];
  });
}

const config = 'SELINUX=enforcing\nSELINUXTYPE=targeted\n';
const semanage = 'module-store = direct\nexpand-check=0\ndisable-genhomedircon=true\n';

describe.skipIf(reason !== undefined)(`the policy of a tree ${reason ?? ''}`, () => {
  let folder: ComposeFolder;
  beforeAll(() => {
    folder = new ComposeFolder('selinux', 'bare');
    const root = join(folder.dir, 'policy');
    for (const dir of ['contexts/files', 'policy'])
      mkdirSync(join(root, 'etc/selinux/targeted', dir), { recursive: true });
    mkdirSync(join(root, 'var/lib/selinux'), { recursive: true });
    writeFileSync(join(root, 'etc/selinux/config'), config);
    writeFileSync(join(root, 'etc/selinux/semanage.conf'), semanage);
    writeFileSync(join(root, 'etc/selinux/targeted/contexts/files/file_contexts.subs_dist'), '/run /var/run\n');
    writeFileSync(join(root, 'base.cil'), module);
    original('semodule', '-n', '-p', root, '-s', 'targeted', '-i', join(root, 'base.cil'));
    folder.publish('local', [
      ...ComposeFolder.world(),
      simplePackage('policy', [
        textFile('/etc/selinux/config', config),
        textFile('/etc/selinux/semanage.conf', semanage),
        ...directory(join(root, 'etc/selinux/targeted'), '/etc/selinux/targeted'),
        // Where packages have it; in an image it is in /etc.
        ...directory(join(root, 'var/lib/selinux/targeted'), '/var/lib/selinux/targeted'),
      ]),
      simplePackage(
        'tools',
        programs('/usr/sbin/semodule', '/sbin/setfiles', '/usr/sbin/sefcontext_compile', '/sbin/load_policy'),
      ),
    ]);
  });
  afterAll(() => folder.end());

  const compose = async (name: string, keys: string): Promise<string> => {
    folder.write(
      `${name}.yaml`,
      `${bootable.replace('selinux: false\n', '')}repos: [local]\nref: test/${name}\n${keys}`,
    );
    const ran = await folder.tree('--force-nocache', `${name}.yaml`);
    expect(ran.stderr).toBe('');
    const out = join(folder.dir, `out-${name}`);
    folder.ostree('checkout', '-U', `test/${name}`, out);
    return out;
  };
  const files = (out: string): string =>
    original(
      'sh',
      '-c',
      `cd ${out}/usr/etc/selinux && find . -type f ! -name commit_num -exec sha256sum {} + | LC_ALL=C sort -k2`,
    );

  test('is compiled with the paths of an image, and semodule has nothing to add', async () => {
    const out = await compose('policy', 'packages-x86_64: [policy, tools]\n');
    const at = (path: string): string => readFileSync(join(out, 'usr/etc/selinux', path), 'utf8');
    expect(at('semanage.conf')).toBe(`${semanage}\nstore-root=/etc/selinux\n`);
    expect(at('targeted/contexts/files/file_contexts.subs_dist')).toContain('/home /var/home\n');
    expect(at('targeted/active/modules_checksum')).toMatch(/^sha256:[0-9a-f]{64}/);
    expect(original('sh', '-c', `find ${out}/usr/etc/selinux -name '*.LOCK'`)).toBe('');
    // Debian's own, run over the tree as on a running system.
    const before = files(out);
    original('mv', join(out, 'usr/etc'), join(out, 'etc'));
    for (const args of [['-n', '--rebuild-if-modules-changed'], ['-nB']]) {
      const ran = spawnSync('chroot', [out, '/usr/sbin/semodule', ...args], { encoding: 'utf8' });
      expect(ran.status, ran.stderr).toBe(0);
    }
    original('sh', '-c', `find ${out}/etc/selinux -name '*.LOCK' -delete; mv ${out}/etc ${out}/usr/etc`);
    expect(files(out)).toBe(before);
  });

  test('labels are those that libselinux finds in it', async () => {
    const out = join(folder.dir, 'out-policy');
    const contexts = `${out}/usr/etc/selinux/targeted/contexts/files/file_contexts`;
    const shown = folder.ostree('ls', '-X', '-R', 'test/policy', '/usr');
    const rows = [...shown.matchAll(/b'security\.selinux', \[byte ([^\]]*)\].* (\/\S+)$/gm)];
    const labels = new Map(
      (rows.length > 0
        ? rows
        : [...shown.matchAll(/\(b'security\.selinux', b'([^']*)'\).* (\/\S+?)(?: ->.*)?$/gm)]
      ).map((m) => [m[2]!, m[1]!.replace(/\\0+$/, '')] as const),
    );
    expect(new Set(labels.values()).size).toBeGreaterThan(2);
    const some = [...labels].filter((_, i) => i % 40 === 0 || i < 3);
    for (const [path, label] of some) {
      const asked = spawnSync('matchpathcon', ['-n', '-f', contexts, path], { encoding: 'utf8' });
      expect([path, label]).toEqual([path, asked.stdout.trim()]);
    }
  });

  test('without semodule it stays as packages brought it; a semodule that fails says so', async () => {
    const out = await compose('without', 'packages-x86_64: [policy]\n');
    original(
      'cmp',
      join(out, 'usr/etc/selinux/targeted/active/policy.kern'),
      join(folder.dir, 'policy/var/lib/selinux/targeted/active/policy.kern'),
    );
    folder.publish('broken', [
      simplePackage('broken-tools', [
        textFile('/usr/sbin/semodule', '#!/bin/sh\necho first >&2\necho no modules >&2\nexit 4\n', { mode: 0o755 }),
      ]),
    ]);
    folder.write(
      'broken.yaml',
      `${bootable.replace('selinux: false\n', '')}repos: [local, broken]\nref: test/broken\npackages-x86_64: [policy, broken-tools]\n`,
    );
    expect((await folder.tree('broken.yaml')).stderr).toBe(
      'error: Recompiling policy: semodule: Child process exited with code 4: no modules\n',
    );
  });
});
