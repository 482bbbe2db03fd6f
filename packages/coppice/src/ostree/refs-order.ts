import { opendirSync } from 'node:fs';
import { hashTableOrder } from '@coppice/gvariant';
import { type CollectionRef, collectionTableOrder, compareNames, type Repo } from '@coppice/ostree';

/** Entries of a directory in the order in which the system lists them (readdir, not sorted). */
export function listedEntries(directory: string): { name: string; folder: boolean }[] {
  const entries: { name: string; folder: boolean }[] = [];
  const handle = opendirSync(directory);
  try {
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
      entries.push({ name: entry.name, folder: entry.isDirectory() });
    }
  } finally {
    handle.closeSync();
  }
  return entries;
}

/** Ref names below a directory in that order. */
function* listed(directory: string, prefix: string): Generator<string> {
  let entries: ReturnType<typeof listedEntries>;
  try {
    entries = listedEntries(directory);
  } catch {
    return;
  }
  for (const { name, folder } of entries) {
    if (folder) yield* listed(`${directory}/${name}`, `${prefix}${name}/`);
    else yield prefix + name;
  }
}

function* inDirectoryOrder(repo: Repo): Generator<string> {
  yield* listed(`${repo.path}/refs/heads`, '');
  for (const name of listed(`${repo.path}/refs/remotes`, '')) yield name.replace('/', ':');
}

/** Refs in the order of the original's hash table, which got them as the directories list them. `prefix` was cut from the names. */
export function refTableOrder(repo: Repo, names: Iterable<string>, prefix = ''): string[] {
  const wanted = new Set(names);
  const inserted: string[] = [];
  for (const ref of inDirectoryOrder(repo)) {
    const name = ref.startsWith(prefix) ? ref.slice(prefix.length) : ref;
    if (wanted.delete(name)) inserted.push(name);
  }
  return hashTableOrder([...inserted, ...wanted]);
}

/** Refs in the order in which the original prints them: sorted, or that of its hash table. `prefix` is what was cut from the names. */
export function printOrder(repo: Repo, names: Iterable<string>, prefix: string): string[] {
  return repo.compat.sortsRefs ? [...names].sort(compareNames) : refTableOrder(repo, names, prefix);
}

function* collectionKeysInDirectoryOrder(repo: Repo): Generator<string> {
  const own = repo.settings.collectionId;
  if (own !== undefined) for (const ref of listed(`${repo.path}/refs/heads`, '')) yield `${own}\0${ref}`;
  for (const name of listed(`${repo.path}/refs/mirrors`, '')) yield name.replace('/', '\0');
}

/** Refs of collections in the order of the original's hash table, as `refTableOrder`. */
export function collectionRefOrder(repo: Repo, refs: readonly CollectionRef[]): CollectionRef[] {
  const wanted = new Map(refs.map((ref) => [`${ref.collection}\0${ref.ref}`, ref]));
  const inserted: CollectionRef[] = [];
  for (const key of [...collectionKeysInDirectoryOrder(repo), ...wanted.keys()]) {
    const ref = wanted.get(key);
    if (ref !== undefined) inserted.push(ref);
  }
  return collectionTableOrder(inserted);
}
