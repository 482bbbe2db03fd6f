// Programs that do not fit an image-based system behind wrappers that hand their calls to rpm-ostree. The real ones lie in a
// directory of their own.
import type { Transaction } from '@coppice/ostree';
import type { ImageTree } from '../tree/image-tree.ts';

export const wrappedDirectory = 'usr/libexec/rpm-ostree/wrapped';

/** Where each program is. */
const programs: Readonly<Record<string, string>> = {
  rpm: 'usr/bin/rpm',
  dracut: 'usr/bin/dracut',
  grubby: 'usr/sbin/grubby',
  yum: 'usr/bin/yum',
  dnf: 'usr/bin/dnf',
  'kernel-install': 'usr/bin/kernel-install',
};
/** Made even where there is no such program. */
const alwaysThere: ReadonlySet<string> = new Set(['yum', 'dnf']);

/** What `deploy --ex-cliwrap=true` and `cliwrap: true` wrap. */
export const cliwrapPrograms: readonly string[] = ['rpm', 'dracut', 'grubby', 'yum', 'dnf'];

const call = 'exec /usr/bin/rpm-ostree cliwrap $0 "$@"\n';
const around = (real: string): string =>
  `#!/bin/sh\n# Wrapper created by rpm-ostree, which looks at each call first. The real\n# binary is now located at: ${real}\n${call}`;
const instead = `#!/bin/sh\n# Wrapper created by rpm-ostree to implement this CLI interface.\n${call}`;

/** Where a program is, the wrapper that goes there, and the one where there is no program (if it then gets one). */
export function wrapperFor(name: string): {
  readonly path: string;
  readonly text: string;
  readonly instead: string | undefined;
} {
  return {
    path: programs[name]!,
    text: around(`${wrappedDirectory}/${name}`),
    instead: alwaysThere.has(name) ? instead : undefined,
  };
}

/** Where a program really is in a tree: behind a wrapper, or at `path`. */
export function realProgram(tree: ImageTree, path: string): string {
  const wrapped = `${wrappedDirectory}/${path.slice(path.lastIndexOf('/') + 1)}`;
  return tree.lookup(wrapped) === undefined ? path : wrapped;
}

/** Names of the programs that a tree has behind wrappers. */
export function wrappedPrograms(tree: ImageTree): string[] {
  return Object.entries(programs).flatMap(([name, path]) => (isWrapper(tree, tree.resolve(path)) ? [name] : []));
}

function isWrapper(tree: ImageTree, path: string): boolean {
  const node = tree.lookup(path);
  if (node?.type !== 'file') return false;
  const { size } = tree.header(node.checksum);
  return size < 4096 && tree.readText(path)?.includes(call) === true;
}

/** Puts wrappers in front of `names`; programs behind one already stay, missing ones get none unless they always do. */
export function wrapPrograms(txn: Transaction, tree: ImageTree, names: readonly string[]): void {
  for (const name of names) {
    const path = tree.resolve(programs[name]!);
    if (isWrapper(tree, path)) continue;
    const real = `${wrappedDirectory}/${name}`;
    if (tree.lookup(path)?.type === 'file') {
      tree.move(path, real);
      tree.writeFile(txn, path, around(real), { mode: 0o755 });
    } else if (alwaysThere.has(name)) tree.writeFile(txn, path, instead, { mode: 0o755 });
  }
}
