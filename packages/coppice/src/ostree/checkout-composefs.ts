// `checkout --composefs`: the image that a deployment's root is mounted from, instead of a tree.

import { CoppiceError, errnoError } from '@coppice/base';
import { replaceFile } from '@coppice/linux';
import { composefsOfTree } from '@coppice/sysroot';
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
  const { image } = composefsOfTree(repo, repo.loadCommit(commit), { verity: !options.flag('composefs-noverity') });
  try {
    replaceFile(dest, image);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT') throw errnoError(error, 'linkat');
    throw errnoError(error, 'renameat');
  }
}
