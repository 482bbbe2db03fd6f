import { opendirSync } from 'node:fs';
import { hashTableOrder } from '@coppice/gvariant';
import { compareNames, type Repo } from '@coppice/ostree';

/** Ref names below a directory in the order in which the system lists it (readdir, not sorted). */
function* listed(directory: string, prefix: string): Generator<string> {
  const names: { name: string; folder: boolean }[] = [];
  try {
    const handle = opendirSync(directory);
    try {
      for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
        names.push({ name: entry.name, folder: entry.isDirectory() });
      }
    } finally {
      handle.closeSync();
    }
  } catch {
    return;
  }
  for (const { name, folder } of names) {
    if (folder) yield* listed(`${directory}/${name}`, `${prefix}${name}/`);
    else yield prefix + name;
  }
}

function* inDirectoryOrder(repo: Repo): Generator<string> {
  yield* listed(`${repo.path}/refs/heads`, '');
  for (const name of listed(`${repo.path}/refs/remotes`, '')) yield name.replace('/', ':');
}

/**
 * Refs in the order in which the original prints them: sorted, or that of a hash table which got them as the directories list
 * them.
 * `prefix` is what was cut from the names.
 */
export function printOrder(repo: Repo, names: Iterable<string>, prefix: string): string[] {
  if (repo.compat.sortsRefs) return [...names].sort(compareNames);
  const wanted = new Set(names);
  const inserted: string[] = [];
  for (const ref of inDirectoryOrder(repo)) {
    const name = ref.startsWith(prefix) ? ref.slice(prefix.length) : ref;
    if (wanted.delete(name)) inserted.push(name);
  }
  return hashTableOrder([...inserted, ...wanted]);
}
