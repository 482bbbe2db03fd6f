import { CoppiceError, isCoppiceError, messageOf, prefixError } from '@coppice/base';
import { verifyBindings } from './bindings.ts';
import { ChecksumSet } from './checksum-set.ts';
import type { ObjectType } from './codec/object-type.ts';
import { SharedContents } from './fsck-contents.ts';
import { Holders } from './fsck-holders.ts';
import { ObjectChecker } from './fsck-object.ts';
import { checkOrder, commitOrder, type ObjectKey, parseObjectKey, traversalOrder } from './fsck-order.ts';
import { deleteObject, enableTombstones, writeTombstone } from './prune.ts';
import type { Repo } from './repo.ts';
import { looseCommits } from './store/objects.ts';
import { type CollectionRef, collectionRefs } from './store/ref-list.ts';
import type { HelperThread } from './thread/helper-thread.ts';
import { Reachable, traverseCommit } from './traverse.ts';

export interface FsckOptions {
  /** Go on after corrupt objects instead of throwing at the first. */
  readonly all?: boolean;
  /** Delete corrupt objects, and mark the commits they are in as partial. Implies `all`. */
  readonly delete?: boolean;
  /** Delete commits whose parent is missing and record them as deleted, as libostree does under this name. */
  readonly addTombstones?: boolean;
  readonly verifyBindings?: boolean;
  /** That every ref a commit is bound to exists and leads to it. */
  readonly verifyBackRefs?: boolean;
  /** Puts refspecs in the order in which they are looked at; default: as they are listed. */
  readonly refOrder?: (refspecs: readonly string[]) => readonly string[];
  /** The same for refs of collections. */
  readonly collectionRefOrder?: (refs: readonly CollectionRef[]) => readonly CollectionRef[];
  /** Names in a directory in the order in which the system lists them; default: sorted. Throws as `fs.readdir` does. */
  readonly readdir?: (path: string) => string[];
  /** A second thread that helps to read and hash, where the files are the machine's own. The caller closes it. */
  readonly helper?: HelperThread;
}

/** What fsck tells while it works. */
export type FsckEvent =
  | { readonly type: 'stage'; readonly stage: 'refs' | 'collection-refs' | 'commits' }
  /** Objects of `commits` commits are about to be read. */
  | { readonly type: 'stage'; readonly stage: 'objects'; readonly commits: number; readonly objects: number }
  | { readonly type: 'progress'; readonly done: number; readonly total: number }
  | {
      readonly type: 'corrupt' | 'missing';
      readonly object: { readonly type: ObjectType; readonly checksum: string };
      readonly commits: readonly string[];
      /** Libostree's line for it. */
      readonly message: string;
    }
  | { readonly type: 'marked-partial'; readonly commit: string }
  | { readonly type: 'tombstone'; readonly commit: string };

export interface FsckResult {
  /** Commits whose objects were read. */
  readonly commits: number;
  /** Partial commits, left out. */
  readonly partial: number;
  /** Of those, the ones that fsck itself found incomplete, now or earlier. */
  readonly partialByFsck: number;
  /** True when any object was missing or corrupt. */
  readonly corrupt: boolean;
}

interface State {
  corrupt: boolean;
  /** Commits marked as partial in this run. */
  readonly marked: Set<string>;
  holders?: Holders;
}

/**
 * Checks refs, commits and every object they reach. Yields events, those about damaged objects once all have been looked at and
 * in libostree's order; throws `Corrupt` or `NotFound` where libostree's
 * command stops with an error. Iterate to the end (or use `runFsck`) for the result.
 */
export function* fsck(repo: Repo, options: FsckOptions = {}): Generator<FsckEvent, FsckResult, undefined> {
  const bindings = options.verifyBindings === true;
  const state: State = { corrupt: false, marked: new Set() };
  const checker = new ObjectChecker(repo);
  const reachable = new Reachable();
  const contents = new SharedContents(repo, reachable.files, options.helper);
  yield { type: 'stage', stage: 'refs' };
  const refs = repo.listRefs();
  // The first that fails ends it.
  for (const refspec of options.refOrder?.([...refs.keys()]) ?? refs.keys()) {
    const checksum = refs.get(refspec)!;
    const ref = refspec.slice(refspec.indexOf(':') + 1);
    yield* checkRef(repo, options, checksum, ref, undefined, bindings, state, checker);
  }
  yield { type: 'stage', stage: 'collection-refs' };
  const mirrored = [...collectionRefs(repo)];
  for (const { collection, ref, checksum } of options.collectionRefOrder?.(mirrored) ?? mirrored) {
    yield* checkRef(repo, options, checksum, ref, collection, bindings, state, checker);
  }
  yield { type: 'stage', stage: 'commits' };
  const commits: string[] = [];
  let partial = 0;
  let partialByFsck = 0;
  let orphans: string[] = [];
  const load = (checksum: string): ReturnType<Repo['loadCommit']> => {
    const commit = repo.loadCommit(checksum);
    if (options.verifyBackRefs === true) checkBackRefs(repo, checksum, commit.metadata);
    return commit;
  };
  for (const checksum of allCommits(repo)) {
    let parent: string | undefined;
    try {
      ({ parent } = load(checksum));
    } catch (error) {
      // Another one may be the first in libostree's order.
      for (const other of commitOrder(repo, options.readdir)) load(other);
      throw error;
    }
    if (options.addTombstones === true && parent !== undefined && !repo.hasObject('commit', parent)) {
      orphans.push(checksum);
    }
    const reason = repo.partialReason(checksum);
    if (reason === undefined) commits.push(checksum);
    else {
      partial++;
      if (reason === 'fsck') partialByFsck++;
    }
  }
  /** Those whose trees are read, as libostree takes them; costs a look at every name. */
  let ordered: string[] | undefined;
  const inOrder = (): string[] => {
    const read = new Set(commits);
    ordered ??=
      commits.length > 1
        ? traversalOrder(commitOrder(repo, options.readdir).filter((commit) => read.has(commit)))
        : commits;
    return ordered;
  };
  const verified = new ChecksumSet();
  let stopped: unknown;
  let total: number;
  let damaged: Set<ObjectKey>;
  const grew = (): void => contents.grew();
  try {
    try {
      for (const commit of commits) traverseCommit(repo, commit, reachable, { tolerateDamage: true, verified, grew });
    } catch (error) {
      stopped = error;
    }
    total = reachable.size;
    yield { type: 'stage', stage: 'objects', commits: commits.length, objects: total };
    if (stopped !== undefined) {
      const again = new Reachable();
      for (const commit of inOrder()) traverseCommit(repo, commit, again, { tolerateDamage: true });
      throw stopped;
    }
    damaged = yield* checkObjects(checker, reachable, contents, verified);
  } finally {
    // Also when the caller had enough.
    contents.finish();
  }
  for (const i of contents.left()) damaged.add(`file ${reachable.files.at(i)}`);
  const order = damaged.size > 1 ? checkOrder(repo, inOrder()) : damaged;
  for (const key of order) {
    if (!damaged.has(key)) continue;
    const [type, checksum] = parseObjectKey(key);
    try {
      checker.check(type, checksum);
    } catch (error) {
      yield* problem(repo, options, type, checksum, error, inOrder(), state);
    }
  }
  if (total > 0) yield { type: 'progress', done: total, total };
  if (orphans.length > 1) {
    const known = new Set(orphans);
    orphans = commitOrder(repo, options.readdir).filter((commit) => known.has(commit));
  }
  for (const commit of orphans) {
    yield { type: 'tombstone', commit };
    enableTombstones(repo);
    deleteObject(repo, 'commit', commit);
    if (!repo.hasObject('tombstone-commit', commit)) writeTombstone(repo, commit);
  }
  return {
    commits: commits.length,
    partial,
    partialByFsck: partialByFsck + state.marked.size,
    corrupt: state.corrupt,
  };
}

/** Checksums of the commits here and in parents. */
function allCommits(repo: Repo): Iterable<string> {
  const out = new Set<string>();
  for (let at: Repo | undefined = repo; at !== undefined; at = at.parent) {
    for (const checksum of looseCommits(at.fs, at.path, at.mode)) out.add(checksum);
  }
  return out;
}

/** Checks what commits reach, but for dirtrees that are `verified`; gives what is wrong but for contents. */
function* checkObjects(
  checker: ObjectChecker,
  reachable: Reachable,
  contents: SharedContents,
  verified: ChecksumSet,
): Generator<FsckEvent, Set<ObjectKey>, undefined> {
  const total = reachable.size;
  const { files } = reachable;
  const damaged = new Set<ObjectKey>();
  let done = 0;
  // Not for each: at this rate an event costs as much as a small object.
  const isTold = (): boolean => (++done === 1 || done % 64 === 0) && done < total;
  for (const [type, checksum] of reachable) {
    if (type === 'file') break;
    try {
      if (type !== 'dirtree' || !verified.has(checksum)) checker.check(type, checksum);
    } catch {
      damaged.add(`${type} ${checksum}`);
    }
    if (isTold()) yield { type: 'progress', done, total };
  }
  for (const i of contents.take()) {
    contents.read(checker.bytes);
    try {
      checker.check('file', files.at(i));
      contents.markDone(i);
    } catch {
      // As what the helper finds wrong, it is not marked.
    }
    if (isTold()) yield { type: 'progress', done, total };
  }
  return damaged;
}

/** Runs `fsck` to its end. */
export function runFsck(repo: Repo, options: FsckOptions = {}, onEvent?: (event: FsckEvent) => void): FsckResult {
  const run = fsck(repo, options);
  for (;;) {
    const next = run.next();
    if (next.done === true) return next.value;
    onEvent?.(next.value);
  }
}

/** The commit that a ref names: its bytes, that it is there, and its bindings. */
function* checkRef(
  repo: Repo,
  options: FsckOptions,
  checksum: string,
  ref: string,
  collection: string | undefined,
  bindings: boolean,
  state: State,
  checker: ObjectChecker,
): Generator<FsckEvent, void, undefined> {
  try {
    checker.check('commit', checksum);
  } catch (error) {
    const missing = isCoppiceError(error, 'NotFound');
    const object = { type: 'commit', checksum } as const;
    if (!missing && options.all !== true && options.delete !== true) throw error;
    state.corrupt = true;
    const message = missing ? `Object missing: ${checksum}.commit` : messageOf(error);
    yield { type: missing ? 'missing' : 'corrupt', object, commits: [], message };
    if (!missing && options.delete === true) deleteObject(repo, 'commit', checksum);
  }
  let metadata: ReturnType<Repo['loadCommit']>['metadata'];
  try {
    ({ metadata } = repo.loadCommit(checksum));
  } catch (error) {
    throw prefixError(error, `Loading commit for ref ${collection === undefined ? ref : `(${collection}, ${ref})`}`);
  }
  if (!bindings) return;
  try {
    verifyBindings(metadata, ref, collection);
  } catch (error) {
    throw prefixError(error, `Commit ${checksum}`);
  }
}

function checkBackRefs(repo: Repo, commit: string, metadata: ReturnType<Repo['loadCommit']>['metadata']): void {
  const refs = metadata.lookupStrings('ostree.ref-binding') ?? [];
  const collection = metadata.lookupString('ostree.collection-binding');
  for (const ref of refs) {
    const what = collection === undefined ? `Ref ‘${ref}’` : `Collection–ref (${collection}, ${ref})`;
    let found: string | undefined;
    if (collection === undefined) found = repo.tryResolveRev(ref);
    else for (const other of collectionRefs(repo, collection)) if (other.ref === ref) found = other.checksum;
    if (found === undefined) {
      throw new CoppiceError('NotFound', `${what} in bindings for commit ${commit} does not exist`);
    }
    if (found !== commit) {
      throw new CoppiceError('Conflict', `${what} in bindings for commit ${commit} does not resolve to that commit`);
    }
  }
}

function* problem(
  repo: Repo,
  options: FsckOptions,
  type: ObjectType,
  checksum: string,
  error: unknown,
  commits: readonly string[],
  state: State,
): Generator<FsckEvent, void, undefined> {
  const missing = isCoppiceError(error, 'NotFound');
  const all = options.all === true || options.delete === true;
  state.holders ??= new Holders(repo, commits);
  const holders = state.holders.of(type, checksum);
  const names = holders.join(', ');
  if (!missing && !all) throw prefixError(error, `In commits ${names}`);
  state.corrupt = true;
  yield {
    type: missing ? 'missing' : 'corrupt',
    object: { type, checksum },
    commits: holders,
    message: missing
      ? `Object missing in commits ${names}: ${checksum}.${type}`
      : `In commits ${names}: ${messageOf(error)}`,
  };
  if (!missing && options.delete !== true) return;
  if (!missing) deleteObject(repo, type, checksum);
  for (const commit of holders) {
    if (state.marked.has(commit)) continue;
    state.marked.add(commit);
    repo.markPartial(commit, true);
    yield { type: 'marked-partial', commit };
  }
}
