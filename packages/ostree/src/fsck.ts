import { CoppiceError, isCoppiceError, messageOf, prefixError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import { verifyBindings } from './bindings.ts';
import { ChecksumSet } from './checksum-set.ts';
import type { ObjectType } from './codec/object-type.ts';
import { Holders } from './fsck-holders.ts';
import { ObjectChecker } from './fsck-object.ts';
import { deleteObject, enableTombstones, writeTombstone } from './prune.ts';
import type { Repo } from './repo.ts';
import { visitLooseObjects } from './store/objects.ts';
import { collectionRefs } from './store/ref-list.ts';
import type { HelperThread } from './thread/helper-thread.ts';
import { SharedWork } from './thread/shared-work.ts';
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
 * Checks refs, commits and every object they reach. Yields events; throws `Corrupt` or `NotFound` where libostree's
 * command stops with an error. Iterate to the end (or use `runFsck`) for the result.
 */
export function* fsck(repo: Repo, options: FsckOptions = {}): Generator<FsckEvent, FsckResult, undefined> {
  const bindings = options.verifyBindings === true;
  const state: State = { corrupt: false, marked: new Set() };
  const checker = new ObjectChecker(repo);
  yield { type: 'stage', stage: 'refs' };
  const refs = repo.listRefs();
  // The first that fails ends it.
  for (const refspec of options.refOrder?.([...refs.keys()]) ?? refs.keys()) {
    const checksum = refs.get(refspec)!;
    const ref = refspec.slice(refspec.indexOf(':') + 1);
    yield* checkRef(repo, options, checksum, ref, undefined, bindings, state, checker);
  }
  yield { type: 'stage', stage: 'collection-refs' };
  for (const { collection, ref, checksum } of collectionRefs(repo)) {
    yield* checkRef(repo, options, checksum, ref, collection, bindings, state, checker);
  }
  yield { type: 'stage', stage: 'commits' };
  const commits: string[] = [];
  let partial = 0;
  let partialByFsck = 0;
  const orphans = new Set<string>();
  for (const checksum of allCommits(repo, helperOf(repo, options))) {
    const { parent, metadata } = repo.loadCommit(checksum);
    if (options.verifyBackRefs === true) checkBackRefs(repo, checksum, metadata);
    if (options.addTombstones === true && parent !== undefined && !repo.hasObject('commit', parent)) {
      orphans.add(checksum);
    }
    const reason = repo.partialReason(checksum);
    if (reason === undefined) commits.push(checksum);
    else {
      partial++;
      if (reason === 'fsck') partialByFsck++;
    }
  }
  const reachable = new Reachable();
  const verified = new ChecksumSet();
  let stopped: unknown;
  try {
    for (const commit of commits) traverseCommit(repo, commit, reachable, { tolerateDamage: true, verified });
  } catch (error) {
    stopped = error;
  }
  const total = reachable.size;
  yield { type: 'stage', stage: 'objects', commits: commits.length, objects: total };
  if (stopped !== undefined) throw stopped;
  yield* checkObjects(repo, options, checker, reachable, verified, (type, checksum, error) =>
    problem(repo, options, type, checksum, error, commits, state),
  );
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

/** Checksums of the commits here and in parents. The helper is called in time, when there are contents enough for it. */
function allCommits(repo: Repo, helper: HelperThread | undefined): Iterable<string> {
  const out = new Set<string>();
  let contents = 0;
  for (let at: Repo | undefined = repo; at !== undefined; at = at.parent) {
    visitLooseObjects(at.fs, at.path, at.mode, (type, name) => {
      if (type === 'commit') out.add(name.checksum);
      else if (type === 'file' && helper?.isWorth(++contents, 0) === true) helper.prepare();
    });
  }
  return out;
}

/** The helper that was given, where files are the machine's own. */
function helperOf(repo: Repo, options: FsckOptions): HelperThread | undefined {
  return repo.fs === hostFs ? options.helper : undefined;
}

/**
 * Checks what commits reach, but for dirtrees that are `verified`. The helper takes its share of the contents while this
 * thread is still at the metadata; what it finds wrong is checked again here, for the error.
 */
function* checkObjects(
  repo: Repo,
  options: FsckOptions,
  checker: ObjectChecker,
  reachable: Reachable,
  verified: ChecksumSet,
  failed: (type: ObjectType, checksum: string, error: unknown) => Generator<FsckEvent, void, undefined>,
): Generator<FsckEvent, void, undefined> {
  const total = reachable.size;
  const { files } = reachable;
  const work = SharedWork.create(files.size);
  const helper = helperOf(repo, options);
  let helped = false;
  const getHelp = (): void => {
    if (helped || helper?.isWorth(files.size, checker.bytes) !== true) return;
    helper.start({
      kind: 'check',
      memory: work.memory,
      repo: repo.path,
      checksums: files.bytes,
    });
    helped = true;
  };
  const failures = new Map<number, unknown>();
  let done = 0;
  // Not for each: at this rate an event costs as much as a small object.
  const isTold = (): boolean => (++done === 1 || done % 64 === 0) && done < total;
  try {
    getHelp();
    for (const [type, checksum] of reachable) {
      if (type === 'file') break;
      try {
        if (type !== 'dirtree' || !verified.has(checksum)) checker.check(type, checksum);
      } catch (error) {
        yield* failed(type, checksum, error);
      }
      if (isTold()) yield { type: 'progress', done, total };
    }
    for (const i of work.take()) {
      getHelp();
      try {
        checker.check('file', files.at(i));
        work.markDone(i);
      } catch (error) {
        if (helped) failures.set(i, error);
        else {
          yield* failed('file', files.at(i), error);
          work.markDone(i);
        }
      }
      if (isTold()) yield { type: 'progress', done, total };
    }
  } finally {
    // Also when the caller had enough, or the first error ends it.
    work.stop();
    if (helped) work.finish();
  }
  for (let i = 0; i < files.size; i++) {
    if (work.isDone(i)) continue;
    try {
      if (failures.has(i)) throw failures.get(i);
      checker.check('file', files.at(i));
    } catch (error) {
      yield* failed('file', files.at(i), error);
    }
  }
  if (total > 0) yield { type: 'progress', done: total, total };
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
    throw prefixError(error, `Loading commit for ref ${ref}`);
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
