import { CoppiceError } from '@coppice/base';
import { compareNames } from './codec/compare-names.ts';
import type { DirTree } from './codec/dirtree.ts';
import type { Repo } from './repo.ts';
import { maxTreeDepth } from './tree.ts';

/** One difference between two commits' trees, with what stands on each side. */
export interface TreeDifference {
  readonly type: 'added' | 'removed' | 'modified';
  /** Absolute. */
  readonly path: string;
  readonly from?: DifferenceSide;
  readonly to?: DifferenceSide;
}

export interface DifferenceSide {
  readonly kind: 'file' | 'directory';
  /** Content checksum, or dirtree checksum. */
  readonly checksum: string;
  /** dirmeta checksum of a directory. */
  readonly meta?: string;
}

/**
 * Differences between the trees of commits `a` and `b`, depth first in name order. A directory that is on one side only
 * is listed with everything in it; one that changed is listed itself only when its metadata did. A file that became a
 * directory (or the reverse) counts as modified.
 */
export function* diffTrees(repo: Repo, a: string, b: string): Generator<TreeDifference, void, undefined> {
  const from = repo.loadCommit(a);
  const to = repo.loadCommit(b);
  if (from.meta !== to.meta) {
    yield {
      type: 'modified',
      path: '/',
      from: { kind: 'directory', checksum: from.tree, meta: from.meta },
      to: { kind: 'directory', checksum: to.tree, meta: to.meta },
    };
  }
  yield* diffDirs(repo, '', from.tree, to.tree, 0);
}

type Entries = Map<string, DifferenceSide>;

function entriesOf({ files, dirs }: DirTree): Entries {
  const out: Entries = new Map();
  for (const { name, checksum } of files) out.set(name, { kind: 'file', checksum });
  for (const { name, tree, meta } of dirs) out.set(name, { kind: 'directory', checksum: tree, meta });
  return out;
}

function* diffDirs(
  repo: Repo,
  lead: string,
  a: string,
  b: string,
  depth: number,
): Generator<TreeDifference, void, undefined> {
  if (a === b) return;
  if (depth > maxTreeDepth) throw new CoppiceError('Limit', `Tree deeper than ${maxTreeDepth} directories`);
  const before = entriesOf(repo.loadDirTree(a));
  const after = entriesOf(repo.loadDirTree(b));
  const names = [...new Set([...before.keys(), ...after.keys()])].sort(compareNames);
  for (const name of names) {
    const path = `${lead}/${name}`;
    const from = before.get(name);
    const to = after.get(name);
    if (from === undefined) yield* whole(repo, path, to!, 'added', depth);
    else if (to === undefined) yield* whole(repo, path, from, 'removed', depth);
    else if (from.kind !== to.kind) yield { type: 'modified', path, from, to };
    else if (from.kind === 'file') {
      if (from.checksum !== to.checksum) yield { type: 'modified', path, from, to };
    } else {
      if (from.meta !== to.meta) yield { type: 'modified', path, from, to };
      yield* diffDirs(repo, path, from.checksum, to.checksum, depth + 1);
    }
  }
}

function* whole(
  repo: Repo,
  path: string,
  side: DifferenceSide,
  type: 'added' | 'removed',
  depth: number,
): Generator<TreeDifference, void, undefined> {
  yield type === 'added' ? { type, path, to: side } : { type, path, from: side };
  if (side.kind !== 'directory') return;
  if (depth > maxTreeDepth) throw new CoppiceError('Limit', `Tree deeper than ${maxTreeDepth} directories`);
  for (const [name, child] of entriesOf(repo.loadDirTree(side.checksum))) {
    yield* whole(repo, `${path}/${name}`, child, type, depth + 1);
  }
}
