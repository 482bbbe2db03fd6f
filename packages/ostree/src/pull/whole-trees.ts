import { decodeDirTree } from '../codec/dirtree.ts';
import type { Repo } from '../repo.ts';

/** Directories that are here with everything below them, found before it is known whether a new commit has them too. */
export class WholeTrees {
  readonly #repo: Repo;
  /** Their directories; null where something is missing. */
  readonly #below = new Map<string, readonly string[] | null>();

  constructor(repo: Repo) {
    this.#repo = repo;
  }

  /** The directories in a whole one; undefined for any other. */
  below(tree: string): readonly string[] | undefined {
    return this.#below.get(tree) ?? undefined;
  }

  /** Looks at a tree, and gives way after each directory. */
  *look(tree: string): Generator<void, boolean, undefined> {
    const known = this.#below.get(tree);
    if (known !== undefined) return known !== null;
    // A tree cannot hold itself, but what is damaged may say so.
    this.#below.set(tree, null);
    const repo = this.#repo;
    const bytes = repo.hasObject('dirtree', tree) ? repo.tryLoadMetadata('dirtree', tree) : undefined;
    if (bytes === undefined) return false;
    yield;
    const { files, dirs } = decodeDirTree(bytes);
    let whole = files.every(({ checksum }) => repo.hasObject('file', checksum));
    for (const dir of dirs) whole = (yield* this.look(dir.tree)) && repo.hasObject('dirmeta', dir.meta) && whole;
    if (whole)
      this.#below.set(
        tree,
        dirs.map((dir) => dir.tree),
      );
    return whole;
  }
}
