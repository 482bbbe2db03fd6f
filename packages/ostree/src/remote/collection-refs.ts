import type { Repo } from '../repo.ts';
import { type CollectionRef, collectionRefs } from '../store/ref-list.ts';
import { ownRemotes } from './remote.ts';

/** Refs by collection as `ostree refs --collections` sees them: heads, mirrors, and refs of remotes that have a collection. */
export function allCollectionRefs(repo: Repo): CollectionRef[] {
  const out = [...collectionRefs(repo)];
  const seen = new Set(out.map((r) => `${r.collection} ${r.ref}`));
  for (const remote of ownRemotes(repo).values()) {
    const collection = remote.string('collection-id');
    if (collection === undefined) continue;
    for (const [refspec, checksum] of repo.listRefs(`${remote.name}:`)) {
      const ref = refspec.slice(remote.name.length + 1);
      if (seen.has(`${collection} ${ref}`)) continue;
      seen.add(`${collection} ${ref}`);
      out.push({ collection, ref, checksum });
    }
  }
  return out;
}
