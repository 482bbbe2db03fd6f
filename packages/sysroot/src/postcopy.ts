// What a copy of a sysroot file by file loses: fs-verity of objects and of composefs images.

import { looseName } from '@coppice/ostree';
import { deploymentDirectories } from './cleanup.ts';
import type { Sysroot } from './sysroot.ts';

/**
 * Seals all loose objects, and the image of each deployment that lies on disk, where the repository's config asks for
 * fs-verity; nothing otherwise. Throws `Unsupported` when that is required and the file system cannot.
 */
export function updatePostCopy(sysroot: Sysroot): void {
  const { path, repo } = sysroot;
  const { verity } = repo;
  if (verity.wanted === 'no') return;
  for (const { type, checksum } of repo.objects()) {
    const name = looseName(checksum, type, repo.mode);
    if (!verity.ensure(`${repo.path}/objects/${name}`, name)) break;
  }
  for (const deployment of deploymentDirectories(sysroot)) {
    const image = `${deployment.path}/.ostree.cfs`;
    if (!verity.ensure(`${path}/${image}`, image, true)) return;
  }
}
