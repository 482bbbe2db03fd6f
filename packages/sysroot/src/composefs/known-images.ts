// Images that deployments of the same commit have already. The caller remembers the digest of each image that was made; a
// file that does not have it any more is not used.

import type { FileSystem } from '@coppice/base/fs';
import { readFile } from '@coppice/linux';
import { FsVerity } from './fsverity.ts';

/** Memory of images: digests (hex) by a key that names the commit and the kind of image. */
export interface KnownImages {
  digestOf(key: string): string | undefined;
  remember(key: string, digest: string): void;
}

export const imageName = '.ostree.cfs';
const sizeLimit = 1 << 30;

export const imageKey = (commit: string, verity: boolean): string => `${commit}${verity ? '-verity' : ''}`;

/**
 * Whether an image without demanded digests may have some: those that the kernel measured. On such a file system two images
 * of one commit can differ, by what was sealed in between.
 */
function measuresFiles(fs: FileSystem, path: string): boolean {
  try {
    fs.measureVerity(path);
    return true;
  } catch {
    return false;
  }
}

/** The bytes of the image in one of `trees` that has the remembered digest. */
export function findKnownImage(
  fs: FileSystem,
  trees: readonly string[],
  wanted: { readonly digest: string; readonly verity: boolean },
): Buffer | undefined {
  for (const tree of trees) {
    const path = `${tree}/${imageName}`;
    if (fs.lstat(path) === undefined || (!wanted.verity && measuresFiles(fs, path))) continue;
    const image = readFile(path, { fs, limit: sizeLimit });
    if (new FsVerity().update(image).digest().toString('hex') === wanted.digest) return image;
  }
  return undefined;
}
