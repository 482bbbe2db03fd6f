// `checkout --composefs`: the image that a deployment's root is mounted from, instead of a tree.

import { CoppiceError, errnoError } from '@coppice/base';
import { replaceFile } from '@coppice/linux';
import { checkComposefsDigest, composefsOfTree } from '@coppice/sysroot';
import type { OstreeCall } from './verb.ts';

const incompatible = [
  'require-hardlinks',
  'force-copy',
  'bareuseronly-dirs',
  'union-add',
  'union-identical',
  'whiteouts',
  'process-passthrough-whiteouts',
  'disable-cache',
  'skip-list',
  'selinux-policy',
];

export function checkoutComposefs({ repo, options }: OstreeCall, commit: string, dest: string): void {
  if (incompatible.some((name) => options.has(name)))
    throw new CoppiceError('Usage', 'Specified options are incompatible with --composefs');
  const verity = !options.flag('composefs-noverity');
  const loaded = repo.loadCommit(commit);
  const { image, digest } = composefsOfTree(repo, loaded, { verity: verity ? 'yes' : 'no' });
  // Without the files' digests it is another image than the one that the commit tells of.
  if (verity) checkComposefsDigest(loaded, digest);
  try {
    replaceFile(dest, image);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT') throw errnoError(error, 'linkat');
    throw errnoError(error, 'renameat');
  }
}
