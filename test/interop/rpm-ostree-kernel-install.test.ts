// Trees whose kernel is placed by its own scripts: systemd's kernel-install runs in the compose, and the original ostree
// deploys what comes out.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootable, ComposeFolder, simplePackage, textFile } from './rpm-ostree-compose-support.ts';
import { Host, original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'rpm', 'createrepo_c', 'bwrap', '/usr/bin/kernel-install');

const version = '6.1.0-1.x86_64';
const modules = `/usr/lib/modules/${version}`;
const script = (text: string): string => `#!/bin/sh\nset -e\n${text}`;
const program = { mode: 0o755 };

describe.skipIf(reason !== undefined)(`boot-location: kernel-install ${reason ?? ''}`, () => {
  let folder: ComposeFolder;
  let host: Host;

  beforeAll(() => {
    folder = new ComposeFolder('kernel-install', 'bare');
    const real = readFileSync('/usr/bin/kernel-install', 'utf8');
    const config = (layout: string): string => `layout=${layout}\nMACHINE_ID=0123456789abcdef0123456789abcdef\n`;
    const kernel = [
      { path: modules, type: 'directory' } as const,
      textFile(`${modules}/vmlinuz`, 'kernel', program),
      textFile(`${modules}/modules.builtin`, ''),
    ];
    folder.publish('local', [
      ...ComposeFolder.world(),
      simplePackage('kernel-core', kernel, {
        scripts: { posttrans: `kernel-install add ${version} ${modules}/vmlinuz\n` },
      }),
      simplePackage('systemd-udev', [
        textFile('/usr/bin/kernel-install', real, program),
        textFile('/usr/lib/kernel/install.conf', config('bls')),
        // What this one does belongs to the node; it may not be reached.
        textFile('/usr/lib/kernel/install.d/90-last.install', script('echo reached >> /usr/share/reached\n'), program),
      ]),
      simplePackage('layout-ostree', [
        textFile('/usr/lib/kernel/install.conf.d/00-layout.conf', 'layout=ostree\n'),
        // Debian's kernel-install reads no directories of configuration.
        textFile('/etc/kernel/install.conf', config('ostree')),
      ]),
      // The place of rpm-ostree's own plugin, which needs dracut.
      simplePackage('plugin', [
        textFile(
          '/usr/lib/kernel/install.d/05-rpmostree.install',
          script(
            '[ "$KERNEL_INSTALL_LAYOUT" = ostree ] || exit 0\n' +
              'mkdir -p /boot/$KERNEL_INSTALL_MACHINE_ID/$2 && cp $4 /boot/$KERNEL_INSTALL_MACHINE_ID/$2/linux\n' +
              'echo "$1 $2" > /lib/modules/$2/initramfs.img && echo dep > /lib/modules/$2/modules.dep\nexit 77\n',
          ),
          program,
        ),
      ]),
      simplePackage('client', [
        textFile(
          '/usr/bin/rpm-ostree',
          script('[ "$1 $2" = "cliwrap kernel-install" ]\nshift\necho "$@" > /lib/modules/$3/initramfs.img\n'),
          program,
        ),
      ]),
    ]);
    host = new Host(join(folder.dir, 'host'));
    mkdirSync(host.sysroot, { recursive: true });
    original('/usr/bin/ostree', 'admin', 'init-fs', host.sysroot);
    original('/usr/bin/ostree', 'admin', 'os-init', 'os', `--sysroot=${host.sysroot}`);
    original('/usr/bin/ostree', `--repo=${host.repo}`, 'config', 'set', 'sysroot.bootloader', 'none');
  });
  afterAll(() => folder.end());

  const base = bootable.replace('kernel, ', 'kernel-core, systemd-udev, ');
  /** Composes and has the original deploy; the deployment's root. */
  async function deployed(name: string, keys: string): Promise<string> {
    folder.write(`${name}.yaml`, `${base}repos: [local]\nref: test/${name}\n${keys}`);
    const ran = await folder.tree(`${name}.yaml`);
    expect(ran.stderr).toBe('');
    original('/usr/bin/ostree', `--repo=${host.repo}`, 'pull-local', join(folder.dir, 'repo'), `test/${name}`);
    original('/usr/bin/ostree', 'admin', 'deploy', `--sysroot=${host.sysroot}`, '--os=os', `test/${name}`);
    return host.trees()[0]!;
  }
  const kernels = (tree: string): string[] =>
    original(
      'sh',
      '-c',
      `cd ${tree} && find boot usr/lib/ostree-boot usr/lib/modules -type f 2>/dev/null | LC_ALL=C sort`,
    )
      .trim()
      .split('\n');

  test("the kernel's scripts make the initramfs, and the original deploys the tree", async () => {
    const tree = await deployed('own', 'packages-x86_64: [layout-ostree, plugin]\nboot-location: kernel-install\n');
    expect(kernels(tree)).toEqual(
      ['initramfs.img', 'modules.builtin', 'modules.dep', 'vmlinuz'].map((name) => `${modules.slice(1)}/${name}`),
    );
    expect(readFileSync(join(tree, modules, 'initramfs.img'), 'utf8')).toBe(`add ${version}\n`);
    expect(existsSync(join(tree, 'usr/share/reached'))).toBe(false);
    const boot = original('sh', '-c', `cat ${host.sysroot}/boot/ostree/os-*/initramfs-${version}.img`);
    expect(boot).toBe(`add ${version}\n`);
    expect(folder.ostree('show', '--print-metadata-key=ostree.linux', 'test/own')).toBe(`'${version}'\n`);
  });

  test('elsewhere those scripts do not run', async () => {
    folder.write(
      'modules.yaml',
      `${base}repos: [local]\nref: test/modules\npackages-x86_64: [layout-ostree, plugin]\nboot-location: modules\n`,
    );
    expect((await folder.tree('modules.yaml')).stderr).toBe('');
    expect(folder.ostree('ls', '-R', 'test/modules', '/usr/lib/modules')).not.toContain('initramfs');
  });

  test('where kernel-install is told of another layout, rpm-ostree stands in front of it', async () => {
    const tree = await deployed('other', 'packages-x86_64: [client]\nboot-location: kernel-install\n');
    expect(kernels(tree).map((path) => path.split('/').at(-1))).toEqual([
      'initramfs.img',
      'modules.builtin',
      'vmlinuz',
    ]);
    expect(readFileSync(join(tree, modules, 'initramfs.img'), 'utf8')).toBe(
      `kernel-install add ${version} ${modules}/vmlinuz\n`,
    );
    original('cmp', join(tree, 'usr/bin/kernel-install'), '/usr/bin/kernel-install');
    expect(existsSync(join(tree, 'usr/bin/kernel-install.rpmostreesave'))).toBe(false);
  });
});
