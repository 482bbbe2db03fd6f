import { GHashTable, gStrHash } from '@coppice/gvariant';
import { DirTreeCursor } from './codec/dirtree-cursor.ts';
import { type ObjectType, objectTypeNumber } from './codec/object-type.ts';
import type { Repo } from './repo.ts';
import { looseCommits } from './store/objects.ts';
import { maxTreeDepth } from './tree.ts';

/** `TYPE CHECKSUM`. */
export type ObjectKey = `${ObjectType} ${string}`;

export function parseObjectKey(key: ObjectKey): [type: ObjectType, checksum: string] {
  const at = key.indexOf(' ');
  return [key.slice(0, at) as ObjectType, key.slice(at + 1)];
}

/** A set that iterates as libostree's tables of object names do (`ostree_hash_object_name`: name and type number added). */
function objectTable(): GHashTable<true> {
  return new GHashTable((key) => {
    const [type, checksum] = parseObjectKey(key as ObjectKey);
    return (gStrHash(checksum) + objectTypeNumber(type)) >>> 0;
  });
}

/** Checksums in a dirtree, whatever its names are; of one that cannot be read those before the damage. */
export function treeEntries(repo: Repo, tree: string): { files: string[]; dirs: { tree: string; meta: string }[] } {
  const files: string[] = [];
  const dirs: { tree: string; meta: string }[] = [];
  try {
    const bytes = repo.tryLoadMetadata('dirtree', tree);
    if (bytes === undefined) return { files, dirs };
    const cursor = new DirTreeCursor();
    const hex = (at: number): string => bytes.toString('hex', at, at + 32);
    cursor.start(bytes, bytes.length);
    while (cursor.nextFile()) files.push(hex(cursor.nameEnd));
    while (cursor.nextDir()) dirs.push({ tree: hex(cursor.nameEnd), meta: hex(cursor.nameEnd + 32) });
  } catch {
    // Told of when it is checked.
  }
  return { files, dirs };
}

/**
 * Checksums of the commits here and in parents in the order in which libostree's fsck loads them. Where two fall on one place
 * of its table, that depends on the order of `readdir`, by default the file system's own.
 */
export function commitOrder(repo: Repo, readdir?: (path: string) => string[]): string[] {
  const found: string[] = [];
  for (let at: Repo | undefined = repo; at !== undefined; at = at.parent) {
    const fs = readdir === undefined ? at.fs : { readdir };
    found.push(...looseCommits(fs, at.path, at.mode));
  }
  return traversalOrder(found);
}

/** Commits that come in the order in which they were loaded, as libostree then walks through their trees. */
export function traversalOrder(commits: Iterable<string>): string[] {
  const table = objectTable();
  for (const commit of commits) table.set(`commit ${commit}`, true);
  return [...table.keys()].map((key) => key.slice('commit '.length));
}

/**
 * Every object that commits reach, in the order in which libostree's fsck checks them. The commits come as `traversalOrder`
 * gives them; what cannot be read reaches nothing.
 */
export function checkOrder(repo: Repo, commits: Iterable<string>): Iterable<ObjectKey> {
  const table = objectTable();
  const walk = (tree: string, depth: number): void => {
    const key = `dirtree ${tree}`;
    if (depth > maxTreeDepth || table.has(key)) return;
    const { files, dirs } = treeEntries(repo, tree);
    for (const file of files) table.set(`file ${file}`, true);
    for (const dir of dirs) {
      table.set(`dirmeta ${dir.meta}`, true);
      walk(dir.tree, depth + 1);
    }
    table.set(key, true);
  };
  for (const commit of commits) {
    try {
      const { tree, meta } = repo.loadCommit(commit);
      table.set(`commit ${commit}`, true);
      table.set(`dirmeta ${meta}`, true);
      walk(tree, 0);
    } catch {
      // It was read before.
    }
  }
  return table.keys() as Iterable<ObjectKey>;
}
