import { CoppiceError } from '@coppice/base';
import { Variant, VariantDict } from '@coppice/gvariant';
import type { MetadataList } from './commit-metadata.ts';
import type { OstreeCall } from './verb.ts';

/** With --bootable, the metadata plus the kernel's version; with --generate-composefs-metadata, the image's digest; in the order in which the original's dictionary leaves them. */
export async function bootableMetadata(
  call: OstreeCall,
  metadata: MetadataList,
  root: { readonly tree: string; readonly meta: string },
): Promise<MetadataList> {
  const bootable = call.options.flag('bootable');
  const composefs = call.options.flag('generate-composefs-metadata');
  if (!bootable && !composefs) return metadata;
  // Of a key that is given twice the last counts.
  const dict = new VariantDict(new Map(metadata));
  if (bootable) {
    dict.set('ostree.bootable', Variant.boolean(true));
    dict.set('ostree.linux', Variant.string(kernelVersion(call, root.tree)));
  }
  if (composefs) {
    const { composefsOfTree } = await import('@coppice/sysroot');
    dict.set('ostree.composefs.digest.v0', Variant.bytes(composefsOfTree(call.repo, root).digest));
  }
  return [...dict.hashOrdered()];
}

/** Name of the first directory in /usr/lib/modules that has a vmlinuz. */
function kernelVersion({ repo }: OstreeCall, tree: string): string {
  let at = tree;
  let path = '';
  for (const name of ['usr', 'lib', 'modules']) {
    path += `/${name}`;
    const dir = repo.loadDirTree(at).dirs.find((d) => d.name === name);
    if (dir === undefined) throw new CoppiceError('NotFound', `No such file or directory: ${path}`);
    at = dir.tree;
  }
  for (const dir of repo.loadDirTree(at).dirs) {
    if (repo.loadDirTree(dir.tree).files.some((f) => f.name === 'vmlinuz')) return dir.name;
  }
  throw new CoppiceError('NotFound', 'No kernel found in /usr/lib/modules');
}
