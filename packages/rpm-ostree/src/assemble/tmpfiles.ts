// usr/lib/tmpfiles.d/rpm-ostree-autovar.conf: what the packages of a tree need below /var and /run, made at boot.
import type { Transaction } from '@coppice/ostree';
import { mergeTmpfiles } from '../import/tmpfiles.ts';
import type { ImageTree } from '../tree/image-tree.ts';

const staged = 'usr/lib/rpm-ostree/tmpfiles.d';
const system = 'usr/lib/tmpfiles.d';
const merged = 'rpm-ostree-autovar.conf';

function texts(tree: ImageTree, dir: string): { name: string; text: string }[] {
  const node = tree.lookup(dir);
  if (node?.type !== 'directory') return [];
  return [...node.dir.files.keys()]
    .filter((name) => name.endsWith('.conf'))
    .sort()
    .map((name) => ({ name, text: tree.readText(`${dir}/${name}`) ?? '' }));
}

/** Writes the merged file from the lines of all packages; removes it when there is nothing to say. */
export function writeAutovar(txn: Transaction, tree: ImageTree): void {
  const packages = texts(tree, staged);
  if (packages.length === 0) return;
  const existing = texts(tree, system).filter((f) => f.name !== merged);
  const text = mergeTmpfiles(
    packages.map((f) => f.text),
    existing.map((f) => f.text),
  );
  if (text === '') tree.remove(`${system}/${merged}`);
  else if (tree.readText(`${system}/${merged}`) !== text) tree.writeFile(txn, `${system}/${merged}`, text);
}
