import { looseName, type ObjectType } from './codec/object-type.ts';
import type { Repo } from './repo.ts';
import { Reachable, traverseCommit } from './traverse.ts';

export interface RefUsage {
  readonly ref: string;
  readonly commit: string;
  readonly objects: number;
  /** Bytes of all objects of the ref's commit, as stored. */
  readonly bytes: number;
  /** Of those, bytes that no other ref's commit has: what deleting the ref and pruning would free. */
  readonly unique: number;
}

export interface DiskUsage {
  readonly refs: readonly RefUsage[];
  /** Bytes of objects that two or more refs have. */
  readonly shared: number;
  /** Bytes of objects that no ref's commit has: older commits and what prune would delete. */
  readonly other: number;
  readonly total: number;
}

interface Count {
  readonly size: number;
  /** Index of the first ref that has it; -1 for none. */
  first: number;
  shared: boolean;
}

/** Bytes by ref. Counts the tip of every ref, without its parents; sizes are those of the files in `objects/`. */
export function diskUsage(repo: Repo): DiskUsage {
  const counts = new Map<string, Count>();
  const key = (type: ObjectType, checksum: string): string => (type === 'file' ? checksum : `${type} ${checksum}`);
  let total = 0;
  for (const { checksum, type } of repo.objects()) {
    const size = repo.fs.lstat(`${repo.path}/objects/${looseName(checksum, type, repo.mode)}`)?.size ?? 0;
    total += size;
    counts.set(key(type, checksum), { size, first: -1, shared: false });
  }
  const tips = [...repo.listRefs()];
  const sums = tips.map(() => ({ objects: 0, bytes: 0 }));
  tips.forEach(([, commit], index) => {
    const reachable = new Reachable();
    traverseCommit(repo, commit, reachable);
    for (const [type, checksum] of reachable) {
      const count = counts.get(key(type, checksum));
      if (count === undefined) continue; // in a parent repository
      sums[index]!.objects++;
      sums[index]!.bytes += count.size;
      if (count.first < 0) count.first = index;
      else count.shared = true;
    }
  });
  const unique = tips.map(() => 0);
  let shared = 0;
  let other = 0;
  for (const count of counts.values()) {
    if (count.first < 0) other += count.size;
    else if (count.shared) shared += count.size;
    else unique[count.first]! += count.size;
  }
  const refs = tips.map(([ref, commit], index) => ({ ref, commit, ...sums[index]!, unique: unique[index]! }));
  return { refs, shared, other, total };
}
