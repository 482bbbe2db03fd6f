// `rpm-ostree kernel-install`: what systemd's kernel-install calls while a tree is composed with `layout=ostree`. A new kernel
// gets its initramfs and the indexes of its modules in place; boot entries are made when the tree is deployed.
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import { wrappedDirectory } from './cliwrap.ts';
import { withDevices } from './device-cpio.ts';

/** Tells kernel-install that everything is done. */
const skipRest = 77;

export interface KernelInstallOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The image's root. */
  readonly root?: string;
  readonly fs?: FileSystem;
  /** Runs a program to its end; its exit status. */
  readonly run: (program: string, args: readonly string[]) => number;
  readonly print: (line: string) => void;
}

/** Runs `body` with the real systemctl: while package scripts run another stands in front of it, which dracut would take along. */
function withRealSystemctl(fs: FileSystem, root: string, body: () => void): void {
  const path = join(root, 'usr/bin/systemctl');
  const saved = `${path}.rpmostreesave`;
  const aside = `${path}.backup`;
  if (fs.stat(saved) === undefined) {
    body();
    return;
  }
  renameSync(path, aside);
  try {
    renameSync(saved, path);
    body();
  } finally {
    renameSync(path, saved);
    renameSync(aside, path);
  }
}

function add(version: string, { root = '/', fs = hostFs, run, print }: KernelInstallOptions): void {
  const must = (program: string, args: readonly string[]): void => {
    const status = run(program, args);
    if (status !== 0) throw new CoppiceError('Process', `${program}: Child process exited with code ${status}`);
  };
  const dir = mkdtempSync(join(tmpdir(), 'rpm-ostree-kernel-'));
  const modules = join(root, 'usr/lib/modules', version);
  const target = join(modules, 'initramfs.img');
  const fresh = join(modules, '.initramfs.img.new');
  try {
    print('Generating initramfs');
    const image = join(dir, 'initramfs.img');
    const wrapped = join(root, wrappedDirectory, 'dracut');
    const dracut = fs.stat(wrapped) === undefined ? 'dracut' : wrapped;
    withRealSystemctl(fs, root, () =>
      must(dracut, ['--no-hostonly', '--kver', version, '--reproducible', '-v', '--add', 'ostree', '-f', image]),
    );
    writeFileSync(image, withDevices(readFileSync(image)));
    copyFileSync(image, fresh);
    chmodSync(fresh, 0o600);
    renameSync(fresh, target);
    print('Running depmod');
    must('depmod', ['-a', version]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
    rmSync(fresh, { force: true });
  }
}

/** The exit status: 77 when kernel-install has nothing more to do. Throws `Process` when a program fails. */
export function kernelInstall(args: readonly string[], options: KernelInstallOptions): number {
  const { root = '/', env } = options;
  if (env['KERNEL_INSTALL_LAYOUT'] !== 'ostree') return 0;
  const [verb, version] = args;
  if (verb !== 'add' && verb !== 'remove') return 0;
  if (version === undefined) {
    if (verb === 'remove') return 0;
    throw new CoppiceError('Usage', 'Adding kernel: No kernel version provided');
  }
  if (version === '' || version.includes('/') || version === '.' || version === '..')
    throw new CoppiceError('Usage', `Invalid kernel version: ${version}`);
  if (verb === 'add') {
    add(version, options);
    return skipRest;
  }
  rmSync(join(root, 'usr/lib/modules', version, 'initramfs.img'), { force: true });
  return 0;
}
