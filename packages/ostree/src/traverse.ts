import { CoppiceError, isCoppiceError } from '@coppice/base';
import { ChecksumSet } from './checksum-set.ts';
import { sha256 } from './codec/checksum.ts';
import { checkEntryBytes } from './codec/dirtree.ts';
import { DirTreeCursor } from './codec/dirtree-cursor.ts';
import type { ObjectType } from './codec/object-type.ts';
import type { Repo } from './repo.ts';
import { collectionRefs } from './store/ref-list.ts';
import { refsBelow } from './store/refs.ts';
import { maxTreeDepth } from './tree.ts';

/** Objects found by following commits. */
export class Reachable {
  readonly commits = new ChecksumSet();
  readonly dirtrees = new ChecksumSet();
  readonly dirmetas = new ChecksumSet();
  readonly files = new ChecksumSet();

  has(type: ObjectType, checksum: string): boolean {
    switch (type) {
      case 'commit':
        return this.commits.has(checksum);
      case 'dirtree':
        return this.dirtrees.has(checksum);
      case 'dirmeta':
        return this.dirmetas.has(checksum);
      case 'file':
        return this.files.has(checksum);
      case 'file-xattrs-link':
        return this.files.has(checksum);
      // Kept beside their commit for as long as it is there.
      case 'commitmeta':
      case 'tombstone-commit':
        return this.commits.has(checksum);
      default:
        return false;
    }
  }

  /** As `has`, of the 32 bytes that a checksum is. */
  hasBytes(type: 'commit' | 'dirtree' | 'dirmeta' | 'file', checksum: Buffer): boolean {
    switch (type) {
      case 'commit':
        return this.commits.hasBytes(checksum, 0);
      case 'dirtree':
        return this.dirtrees.hasBytes(checksum, 0);
      case 'dirmeta':
        return this.dirmetas.hasBytes(checksum, 0);
      case 'file':
        return this.files.hasBytes(checksum, 0);
    }
  }

  get size(): number {
    return this.commits.size + this.dirtrees.size + this.dirmetas.size + this.files.size;
  }

  /** Every object as (type, checksum). */
  *[Symbol.iterator](): Generator<readonly [ObjectType, string], void, undefined> {
    for (const checksum of this.commits) yield ['commit', checksum];
    for (const checksum of this.dirtrees) yield ['dirtree', checksum];
    for (const checksum of this.dirmetas) yield ['dirmeta', checksum];
    for (const checksum of this.files) yield ['file', checksum];
  }
}

export interface TraverseOptions {
  /** How many parents to follow; -1 for all. */
  readonly depth?: number;
  /** Only commit objects, not their trees. */
  readonly commitOnly?: boolean;
  /** A damaged dirtree counts as one without entries. */
  readonly tolerateDamage?: boolean;
  /** Gets the dirtrees that are sound and have the checksum that they are called by; each is read once for both. */
  readonly verified?: ChecksumSet;
  /** Called after each dirtree whose entries were added. */
  readonly grew?: () => void;
}

/**
 * Adds a commit, its tree, and its parents up to `depth`, to `into`. A commit that is missing ends its line silently, as
 * does one that was visited before (whatever the depth then was). Trees of partial commits may have holes.
 */
export function traverseCommit(repo: Repo, commit: string, into: Reachable, options: TraverseOptions = {}): void {
  let depth = options.depth ?? 0;
  let at: string | undefined = commit;
  while (at !== undefined) {
    if (into.commits.has(at)) return;
    if (!repo.hasObject('commit', at)) return;
    const { parent, tree, meta } = repo.loadCommit(at);
    into.commits.add(at);
    if (options.commitOnly !== true) {
      into.dirmetas.add(meta);
      traverseTree(repo, tree, into, repo.isPartial(at), 0, options);
    }
    if (depth !== -1 && depth-- <= 0) return;
    at = parent;
  }
}

/** Adds what a dirtree reaches; `partial` allows holes. */
export function traverseTree(
  repo: Repo,
  tree: string,
  into: Reachable,
  partial: boolean,
  depth: number,
  options: Pick<TraverseOptions, 'tolerateDamage' | 'verified' | 'grew'> = {},
): void {
  if (into.dirtrees.has(tree)) return;
  if (depth > maxTreeDepth) throw new CoppiceError('Limit', `Tree deeper than ${maxTreeDepth} directories`);
  const below: string[] = [];
  try {
    const bytes = repo.peekMetadata('dirtree', tree);
    visitNames(bytes, into, below);
    if (options.verified !== undefined && sha256(bytes) === tree) options.verified.add(tree);
  } catch (error) {
    if (partial && isCoppiceError(error, 'NotFound')) return;
    if (options.tolerateDamage !== true || isCoppiceError(error, 'NotFound')) throw error;
  }
  into.dirtrees.add(tree);
  options.grew?.();
  for (const child of below) traverseTree(repo, child, into, partial, depth + 1, options);
}

const cursor = new DirTreeCursor();
/** Where the entries' checksums are in the object that is looked at: files, then directories. */
let places = new Uint32Array(1024);

/** Adds the files and dirmetas of a dirtree object whole or not at all; gives its directories' dirtrees. */
function visitNames(bytes: Buffer, into: Reachable, below: string[]): void {
  let count = 0;
  const keep = (): void => {
    checkEntryBytes(bytes, cursor.nameStart, cursor.nameEnd);
    if (count === places.length) {
      const old = places;
      places = new Uint32Array(count * 2);
      places.set(old);
    }
    places[count++] = cursor.nameEnd;
  };
  cursor.start(bytes, bytes.length);
  while (cursor.nextFile()) keep();
  const files = count;
  while (cursor.nextDir()) keep();
  for (let i = 0; i < files; i++) into.files.addBytes(bytes, places[i]!);
  for (let i = files; i < count; i++) {
    const at = places[i]!;
    into.dirmetas.addBytes(bytes, at + 32);
    below.push(bytes.toString('hex', at, at + 32));
  }
}

/** Adds what every ref (local, of remotes, of collections) reaches. */
export function traverseRefs(repo: Repo, into: Reachable, options: TraverseOptions = {}): void {
  for (const checksum of allRefTargets(repo)) traverseCommit(repo, checksum, into, options);
}

/** Checksums of all refs of a repository, mirrored collections included; may repeat. */
export function* allRefTargets(repo: Repo): Generator<string, void, undefined> {
  yield* repo.listRefs().values();
  for (const { checksum } of collectionRefs(repo)) yield checksum;
}

/** True when anything lies below `refs/DIRECTORY`. */
export function hasRefsBelow(repo: Repo, directory: string): boolean {
  return refsBelow(repo.fs, repo.path, directory).next().done !== true;
}
