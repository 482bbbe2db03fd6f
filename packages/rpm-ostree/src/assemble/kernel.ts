// The kernel of a tree and its initramfs, in the place boot looks for them: usr/lib/modules/KVER/{vmlinuz,initramfs.img}, and
// for old versions of libostree also usr/lib/ostree-boot/{vmlinuz-KVER,initramfs-KVER.img}-CHECKSUM.
import { createHash } from 'node:crypto';
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

/** Copies outside of usr/lib/modules: names that end in the checksum of kernel and initramfs. */
const copyName = /^(vmlinuz|initramfs)-.*-[0-9a-f]{64}$/;

/** Directories that hold copies of a kernel. */
export function kernelCopies(tree: ImageTree): string[] {
  return bootDirs.filter((path) => {
    const node = tree.lookup(path);
    return node?.type === 'directory' && [...node.dir.files.keys()].some((name) => copyName.test(name));
  });
}

export function removeKernelCopies(tree: ImageTree): void {
  for (const path of kernelCopies(tree)) {
    const node = tree.lookup(path);
    if (node?.type !== 'directory') continue;
    for (const name of [...node.dir.files.keys()]) if (copyName.test(name)) node.dir.remove(name);
    if (path !== 'boot' && node.dir.isEmpty) tree.remove(path);
  }
}

/** SHA-256 over kernel and initramfs, by which boot tells kernels apart. */
function bootChecksum(tree: ImageTree, { kernel, initramfs }: TreeKernel): string {
  const hash = createHash('sha256');
  for (const path of [kernel, initramfs]) {
    const node = path === undefined ? undefined : tree.lookup(path);
    if (node?.type === 'file') for (const piece of tree.repo.loadFile(node.checksum).read()) hash.update(piece);
  }
  return hash.digest('hex');
}

/** Puts copies of the kernel, as it is now, into each of `places` (relative directories); those that were there go. */
export function copyKernel(tree: ImageTree, places: readonly string[]): void {
  removeKernelCopies(tree);
  const kernel = findTreeKernel(tree);
  if (kernel === undefined || places.length === 0) return;
  const checksum = bootChecksum(tree, kernel);
  for (const [from, name] of [
    [kernel.kernel, `vmlinuz-${kernel.version}-${checksum}`],
    [kernel.initramfs, `initramfs-${kernel.version}.img-${checksum}`],
  ] as const) {
    const node = from === undefined ? undefined : tree.lookup(from);
    if (node?.type === 'file') for (const place of places) tree.setFile(`${place}/${name}`, node.checksum);
  }
}
