// What kernel-install is told to make of a kernel: `layout=` of its configuration. /etc/kernel comes before /usr/lib/kernel as
// a whole; in each, the files of install.conf.d (in order) come over install.conf.
import type { ImageTree } from '../tree/image-tree.ts';

const directories = ['usr/etc/kernel', 'usr/lib/kernel'];

/** The layout that one file names; of several lines the first counts. */
function layoutIn(text: string | undefined): string | undefined {
  return text
    ?.split('\n')
    .map((line) => /^\s*layout=(.*?)\s*$/.exec(line)?.[1])
    .find((layout) => layout !== undefined);
}

function layoutBelow(tree: ImageTree, directory: string): string | undefined {
  const extra = tree.lookup(`${directory}/install.conf.d`);
  const names =
    extra?.type === 'directory' ? [...extra.dir.files.keys()].filter((n) => n.endsWith('.conf')).sort() : [];
  return [...names.map((name) => `install.conf.d/${name}`).reverse(), 'install.conf']
    .map((name) => layoutIn(tree.readText(`${directory}/${name}`)))
    .find((layout) => layout !== undefined);
}

/** The layout of a tree, e.g. `ostree` or `bls`; undefined when its configuration names none. */
export function kernelLayout(tree: ImageTree): string | undefined {
  return directories.map((directory) => layoutBelow(tree, directory)).find((layout) => layout !== undefined);
}
