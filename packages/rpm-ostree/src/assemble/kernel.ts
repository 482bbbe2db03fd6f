// The kernel of a tree and its initramfs, in the place boot looks for them: usr/lib/modules/KVER/{vmlinuz,initramfs.img}.
import { CoppiceError } from '@coppice/base';
import type { Transaction } from '@coppice/ostree';
import type { ImageTree } from '../tree/image-tree.ts';

const modules = 'usr/lib/modules';
const bootDirs = ['usr/lib/ostree-boot', 'boot'];

export interface TreeKernel {
  readonly version: string;
  /** Paths in the tree. */
  readonly kernel: string;
  readonly initramfs: string | undefined;
}

function versions(tree: ImageTree): string[] {
  const node = tree.lookup(modules);
  return node?.type === 'directory' ? [...node.dir.dirs.keys()] : [];
}

/** The kernel of a tree; undefined when it has none. Throws `Conflict` for more than one. */
export function findTreeKernel(tree: ImageTree): TreeKernel | undefined {
  const found: TreeKernel[] = [];
  const names = versions(tree);
  for (const version of names) {
    const kernel = `${modules}/${version}/vmlinuz`;
    if (tree.lookup(kernel)?.type !== 'file') continue;
    const initramfs = `${modules}/${version}/initramfs.img`;
    found.push({ version, kernel, initramfs: tree.lookup(initramfs) === undefined ? undefined : initramfs });
  }
  if (found.length > 1)
    throw new CoppiceError(
      'Conflict',
      `Multiple kernels found: ${found
        .map((k) => k.version)
        .sort()
        .join(', ')}`,
    );
  if (found[0] !== undefined) return found[0];
  for (const dir of bootDirs) {
    const node = tree.lookup(dir);
    if (node?.type !== 'directory') continue;
    for (const name of node.dir.files.keys()) {
      const match = /^vmlinuz-(.+)$/.exec(name);
      if (match === null) continue;
      // Already placed ones end in a checksum: -VERSION-<64 hex>.
      const version = match[1]!.replace(/-[0-9a-f]{64}$/, '');
      const initramfs = [`initramfs-${version}.img`, `initrd.img-${version}`].find((n) => node.dir.files.has(n));
      return {
        version,
        kernel: `${dir}/${name}`,
        initramfs: initramfs === undefined ? undefined : `${dir}/${initramfs}`,
      };
    }
  }
  return undefined;
}

/** Moves kernel and initramfs to usr/lib/modules/KVER. Returns the kernel as it is then. */
export function placeKernel(_txn: Transaction, tree: ImageTree): TreeKernel | undefined {
  const found = findTreeKernel(tree);
  if (found === undefined) return undefined;
  const kernel = `${modules}/${found.version}/vmlinuz`;
  const initramfs = `${modules}/${found.version}/initramfs.img`;
  if (found.kernel !== kernel) tree.move(found.kernel, kernel);
  if (found.initramfs !== undefined && found.initramfs !== initramfs) tree.move(found.initramfs, initramfs);
  return { version: found.version, kernel, initramfs: found.initramfs === undefined ? undefined : initramfs };
}
