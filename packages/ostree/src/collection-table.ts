import { GHashTable, gStrHash } from '@coppice/gvariant';

/** A ref by the collection it is in, which none has that is just a name. */
export interface CollectionName {
  readonly collection: string | undefined;
  readonly ref: string;
}

/** The refs in the order of libostree's tables of them (`ostree_collection_ref_hash`), to which they come in the order given. */
export function collectionTableOrder<T extends CollectionName>(refs: Iterable<T>): T[] {
  const hashes = new Map<string, number>();
  const table = new GHashTable<T>((key) => hashes.get(key)!);
  for (const ref of refs) {
    const key = `${ref.collection ?? ''}\0${ref.ref}`;
    const collection = ref.collection === undefined ? 0 : gStrHash(ref.collection);
    hashes.set(key, (collection ^ gStrHash(ref.ref)) >>> 0);
    table.set(key, ref);
  }
  return Array.from(table, ([, ref]) => ref);
}
