// A small sysroot made by this library alone, without root: repository of mode bare-user, trees with a kernel.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Variant } from '@coppice/gvariant';
import { hostFs } from '@coppice/linux';
import { MutableTree, Repo } from '@coppice/ostree';
import { initFs, initStateroot, Sysroot, type SysrootOptions } from '@coppice/sysroot';

/** In memory where that keeps extended attributes (objects of mode bare-user need them): the tests sync a lot. */
export function scratch(): string {
  if (existsSync('/dev/shm')) {
    try {
      const folder = mkdtempSync('/dev/shm/coppice-sysroot-unit-');
      try {
        hostFs.setxattr(folder, 'user.test', Buffer.from('1'));
        hostFs.removexattr(folder, 'user.test');
        return folder;
      } catch {
        rmSync(folder, { recursive: true });
      }
    } catch {
      // Not writable for us.
    }
  }
  return mkdtempSync(join(tmpdir(), 'coppice-sysroot-unit-'));
}

export function writeFiles(root: string, files: Readonly<Record<string, string | null>>): void {
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path);
    mkdirSync(content === null ? full : dirname(full), { recursive: true });
    if (content?.startsWith('-> ')) symlinkSync(content.slice(3), full);
    else if (content !== null) writeFileSync(full, content);
    if (content !== null && !content.startsWith('-> ')) chmodSync(full, 0o644);
  }
}

export const tree: Readonly<Record<string, string | null>> = {
  boot: null,
  sysroot: null,
  var: null,
  ostree: '-> sysroot/ostree',
  'usr/bin/tool': 'tool\n',
  'usr/lib/os-release': 'ID=test\nPRETTY_NAME="Test OS"\n',
  'usr/lib/modules/6.1/vmlinuz': 'kernel\n',
  'usr/lib/modules/6.1/initramfs.img': 'initramfs\n',
  'usr/etc/hosts': '127.0.0.1\n',
  'usr/etc/app/app.conf': 'a=1\n',
  'usr/etc/link': '-> hosts',
};

/** Commits files as a branch and returns the checksum. */
export function commitFiles(
  repo: Repo,
  branch: string,
  files: Readonly<Record<string, string | null>>,
  options: { version?: string; timestamp?: number } = {},
): string {
  const source = scratch();
  try {
    writeFiles(source, files);
    return repo.transaction((transaction) => {
      const root = new MutableTree();
      transaction.writeDirectory(source, root, { canonicalPermissions: true });
      const metadata = new Map(options.version === undefined ? [] : [['version', Variant.string(options.version)]]);
      const checksum = transaction.writeCommit({
        metadata,
        parent: undefined,
        subject: branch,
        body: '',
        timestamp: options.timestamp ?? 1_700_000_000,
        ...transaction.writeTree(root),
      });
      transaction.setRef(branch, checksum);
      return checksum;
    });
  } finally {
    rmSync(source, { recursive: true, force: true });
  }
}

/** A sysroot at `path` with the stateroot `os`, nothing deployed. */
export function makeSysroot(path: string, options: SysrootOptions = {}): Sysroot {
  mkdirSync(join(path, 'ostree'), { recursive: true });
  Repo.create(join(path, 'ostree/repo'), { mode: 'bare-user' });
  initFs(path, { epoch: 1 });
  const sysroot = Sysroot.open(path, options);
  initStateroot(sysroot, 'os');
  return Sysroot.open(path, options);
}

export const testEnv = { OSTREE_SYSROOT_DEBUG: 'mutable-deployments' };
