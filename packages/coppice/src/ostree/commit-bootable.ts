import { CoppiceError } from '@coppice/base';
import { Variant, VariantDict } from '@coppice/gvariant';
import type { OstreeCall } from './verb.ts';

/** With --bootable, the metadata plus the kernel's version, in the order in which the original's dictionary leaves them. */
export async function bootableMetadata(
  call: OstreeCall,
  metadata: Map<string, Variant>,
  root: { readonly tree: string; readonly meta: string },
): Promise<Map<string, Variant>> {
  if (!call.options.flag('bootable')) return metadata;
  const dict = new VariantDict(metadata);
  dict.set('ostree.bootable', Variant.boolean(true));
  dict.set('ostree.linux', Variant.string(kernelVersion(call, root.tree)));
  return dict.hashOrdered();
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
