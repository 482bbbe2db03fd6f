import { type CollectionRef, collectionRefs, compareNames, type Repo } from '@coppice/ostree';
import { collectionRefOrder } from './refs-order.ts';
import type { OstreeCall } from './verb.ts';

/** The refs of one collection, or of all: the repository's own, those of its remotes, and mirrored ones. */
function collectionRefsOf(repo: Repo, collection?: string): CollectionRef[] {
  const out = [...collectionRefs(repo, collection)];
  for (const group of repo.config.groups()) {
    const name = /^remote "(.+)"$/.exec(group)?.[1];
    const id = name === undefined ? undefined : repo.config.string(group, 'collection-id', undefined);
    if (name === undefined || id === undefined || (collection !== undefined && id !== collection)) continue;
    for (const [refspec, checksum] of repo.listRefs(`${name}:`)) {
      const ref = refspec.slice(name.length + 1);
      if (!out.some((other) => other.collection === id && other.ref === ref))
        out.push({ collection: id, ref, checksum });
    }
  }
  return out;
}

/** As the original prints them: sorted, or in the order of a hash table. */
function inOrder(repo: Repo, refs: readonly CollectionRef[]): CollectionRef[] {
  if (repo.compat.sortsRefs) {
    return refs.toSorted((a, b) => compareNames(a.collection, b.collection) || compareNames(a.ref, b.ref));
  }
  return collectionRefOrder(repo, refs);
}

/** `refs -c`: lists (or with --delete removes) the refs of a collection, or of all. */
export function printCollectionRefs(call: OstreeCall, collection: string | undefined): void {
  const { repo, options } = call;
  for (const ref of inOrder(repo, collectionRefsOf(repo, collection))) {
    if (options.flag('delete')) {
      const own = ref.collection === repo.settings.collectionId;
      repo.writeRefIn(own ? 'refs/heads' : `refs/mirrors/${ref.collection}`, ref.ref, null);
    } else {
      const revision = options.flag('revision') ? `\t${ref.checksum}` : '';
      call.print(`(${ref.collection}, ${ref.ref})${revision}`);
    }
  }
}
