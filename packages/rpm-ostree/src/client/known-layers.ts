// Layered commits of this system by what went into them, so that the way back to a tree that is still deployed puts nothing
// together again. Scripts see nothing but the tree, its packages and what is hashed here: the same inputs are the same commit.
import { createHash } from 'node:crypto';
import type { VariantDict } from '@coppice/gvariant';
import type { ImportedPackage } from '../import/package-commit.ts';
import { formatNevra, type Nevra } from '../nevra.ts';
import type { Client } from './client.ts';
import { Remembered } from './remembered.ts';

export interface LayerInputs {
  readonly base: string;
  /** Metadata of the commit but for the list of its packages, which is a result. */
  readonly metadata: VariantDict;
  readonly add: readonly { readonly pkg: ImportedPackage; readonly force: boolean }[];
  readonly gone: readonly Nevra[];
  /** Arguments of dracut, when an initramfs is made. */
  readonly initramfs: readonly string[] | undefined;
  /** Accounts of the node that scripts and owners may refer to. */
  readonly users: { readonly passwd: string; readonly group: string } | undefined;
}

/** Raised with every change of how a tree is put together. */
const assemblyVersion = 1;
const fileName = 'layers.json';

/** One digest of everything that decides the commit. */
export function digestInputs(inputs: LayerInputs): string {
  const { base, metadata, add, gone, initramfs, users } = inputs;
  const plain = {
    version: assemblyVersion,
    base,
    metadata: createHash('sha256').update(metadata.encode()).digest('hex'),
    add: add.map(({ pkg, force }) => [pkg.commit, force]),
    gone: gone.map(formatNevra),
    initramfs,
    users,
  };
  return createHash('sha256').update(JSON.stringify(plain)).digest('hex');
}

/** The commit that these inputs gave, if a deployment holds it: then nothing of it can have been pruned. */
export function knownLayer(client: Client, inputs: string): string | undefined {
  const found = new Remembered(client, fileName).get(inputs);
  return client.sysroot.deployments.find((d) => d.checksum === found)?.checksum;
}

export function rememberLayer(client: Client, inputs: string, commit: string): void {
  new Remembered(client, fileName).set(inputs, commit);
}
