import { hashTableOrder } from '@coppice/gvariant';
import type { ObjectType } from './codec/object-type.ts';
import { treeEntries } from './fsck-order.ts';
import type { Repo } from './repo.ts';
import { maxTreeDepth } from './tree.ts';

/**
 * Which commits hold an object, in the order in which libostree names them: it walks hash tables of commits and of what
 * points to what (`ostree_repo_traverse_parents_get_commits`). Made when the first object is found damaged.
 */
export class Holders {
  readonly #repo: Repo;
  /** Object to the commits and dirtrees that have it, each `TYPE CHECKSUM`. */
  readonly #parents = new Map<string, string[]>();
  readonly #seen = new Set<string>();

  /** The commits come as `traversalOrder` gives them. */
  constructor(repo: Repo, commits: readonly string[]) {
    this.#repo = repo;
    for (const commit of commits) {
      try {
        const { tree, meta } = repo.loadCommit(commit);
        const key = `commit ${commit}`;
        this.#add(`dirmeta ${meta}`, key);
        this.#add(`dirtree ${tree}`, key);
        this.#walk(tree, 0);
      } catch {
        // A damaged tree: what was found before counts.
      }
    }
  }

  /** Checksums of the commits that have the object in their tree, or are it. */
  of(type: ObjectType, checksum: string): string[] {
    const commits = new Set<string>();
    const visited = new Set<string>();
    const visit = (key: string): void => {
      if (visited.has(key)) return;
      visited.add(key);
      if (key.startsWith('commit ')) commits.add(key.slice('commit '.length));
      else for (const parent of this.#parents.get(key) ?? []) visit(parent);
    };
    visit(`${type} ${checksum}`);
    return hashTableOrder([...commits]);
  }

  #add(child: string, parent: string): void {
    const known = this.#parents.get(child);
    if (known === undefined) this.#parents.set(child, [parent]);
    else if (known.at(-1) !== parent) known.push(parent);
  }

  #walk(tree: string, depth: number): void {
    if (depth > maxTreeDepth || this.#seen.has(tree)) return;
    this.#seen.add(tree);
    const key = `dirtree ${tree}`;
    const { files, dirs } = treeEntries(this.#repo, tree);
    for (const file of files) this.#add(`file ${file}`, key);
    for (const dir of dirs) {
      this.#add(`dirmeta ${dir.meta}`, key);
      this.#walk(dir.tree, depth + 1);
      this.#add(`dirtree ${dir.tree}`, key);
    }
  }
}
