import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import { Variant } from '@coppice/gvariant';
import { removeTree } from '@coppice/linux';
import { encodeDict } from './codec/commit.ts';
import { looseName, type ObjectType } from './codec/object-type.ts';
import type { Repo } from './repo.ts';
import { looseCommits, visitLooseObjects } from './store/objects.ts';
import { writeBeside } from './store/refs.ts';
import { unlinkBeside } from './store/unlink-beside.ts';
import { ensureWritable } from './store/writable.ts';
import { Reachable, traverseCommit, traverseRefs } from './traverse.ts';

export interface PruneOptions {
  /** Parents kept for each root; -1 (the default) for all, 0 for none. */
  readonly depth?: number;
  /** Only refs are roots; otherwise every commit that is there is one too. */
  readonly refsOnly?: boolean;
  /** Only count. */
  readonly noPrune?: boolean;
  /** Only commit objects are looked at and deleted. */
  readonly commitOnly?: boolean;
}

export interface PruneResult {
  /** Objects looked at. */
  readonly total: number;
  readonly pruned: number;
  /** Bytes that the pruned objects took (apparent size). */
  readonly freed: number;
}

/** Deletes loose objects (and static deltas) that nothing reaches. Takes the exclusive lock. Parents are not touched. */
export function prune(repo: Repo, options: PruneOptions = {}): PruneResult {
  return locked(repo, options, () => pruneUnreachable(repo, findReachable(repo, options), options));
}

/** As `prune`, several objects at a time where a deletion waits for the device. */
export async function pruneAsync(repo: Repo, options: PruneOptions = {}): Promise<PruneResult> {
  return await lockedAsync(repo, options, () => pruneUnreachableAsync(repo, findReachable(repo, options), options));
}

/** Deletes every loose object that is not in `reachable`. The caller decides what is; takes the exclusive lock. */
export function pruneUnreachable(repo: Repo, reachable: Reachable, options: UnreachableOptions = {}): PruneResult {
  return locked(repo, options, () => {
    const found = findUnreachable(repo, reachable, options);
    for (const name of found.doomed) removeObject(repo, name);
    return finishPrune(repo, found, options);
  });
}

/** As `pruneUnreachable`, several objects at a time where a deletion waits for the device. */
export async function pruneUnreachableAsync(
  repo: Repo,
  reachable: Reachable,
  options: UnreachableOptions = {},
): Promise<PruneResult> {
  return await lockedAsync(repo, options, async () => {
    const found = findUnreachable(repo, reachable, options);
    // There, each goes with another one.
    if (repo.mode === 'bare-split-xattrs') for (const name of found.doomed) removeObject(repo, name);
    else await unlinkBeside(repo.fs, `${repo.path}/objects`, found.doomed, failed);
    return finishPrune(repo, found, options);
  });
}

type UnreachableOptions = Pick<PruneOptions, 'noPrune' | 'commitOnly'>;

/** What only looks may do so in a repository that cannot be written. */
function locked<T>(repo: Repo, options: UnreachableOptions, body: () => T): T {
  if (options.noPrune !== true) ensureWritable(repo.fs, repo.path);
  repo.lock?.acquire('exclusive');
  try {
    return body();
  } finally {
    repo.lock?.release();
  }
}

async function lockedAsync<T>(repo: Repo, options: UnreachableOptions, body: () => Promise<T>): Promise<T> {
  if (options.noPrune !== true) ensureWritable(repo.fs, repo.path);
  repo.lock?.acquire('exclusive');
  try {
    return await body();
  } finally {
    repo.lock?.release();
  }
}

function findReachable(repo: Repo, options: PruneOptions): Reachable {
  const { depth = -1, commitOnly = false } = options;
  const reachable = new Reachable();
  traverseRefs(repo, reachable, { depth, commitOnly });
  if (options.refsOnly !== true) {
    for (const checksum of looseCommits(repo.fs, repo.path, repo.mode)) {
      traverseCommit(repo, checksum, reachable, { depth, commitOnly });
    }
  }
  return reachable;
}

interface Unreachable extends PruneResult {
  /** Names relative to `objects/` of what is to be deleted; commits are gone already. */
  readonly doomed: readonly string[];
  readonly payloadLinks: readonly string[];
  readonly xattrSets: readonly string[];
}

/** Deletes unreachable commits, and finds what else is. Commits go first: one that is cut off leaves none whose tree is gone. */
function findUnreachable(repo: Repo, reachable: Reachable, options: UnreachableOptions): Unreachable {
  let total = 0;
  let pruned = 0;
  let freed = 0;
  const objects = `${repo.path}/objects/`;
  const payloadLinks: string[] = [];
  const xattrSets: string[] = [];
  const doomed: string[] = [];
  visitLooseObjects(repo.fs, repo.path, repo.mode, (type, name) => {
    if (type === 'payload-link') payloadLinks.push(name.checksum);
    else if (type === 'file-xattrs') xattrSets.push(name.checksum);
    if (!counted(type) || (options.commitOnly === true && type !== 'commit')) return;
    total++;
    if (reachable.hasBytes(type, name.bytes)) return;
    const { looseName } = name;
    pruned++;
    freed += repo.fs.lstat(`${objects}${looseName}`)?.size ?? 0;
    if (options.noPrune === true) return;
    if (type === 'commit') deleteObject(repo, type, name.checksum);
    else doomed.push(looseName);
  });
  return { total, pruned, freed, doomed, payloadLinks, xattrSets };
}

/** Deletes what stands for nothing any more once the objects are gone. */
function finishPrune(repo: Repo, found: Unreachable, options: UnreachableOptions): PruneResult {
  const { total, pruned } = found;
  let { freed } = found;
  if (options.commitOnly !== true) {
    freed += prunePayloadLinks(repo, found.payloadLinks, options.noPrune === true);
    if (options.noPrune !== true) pruneSplitXattrs(repo, found.xattrSets);
  }
  if (options.noPrune !== true) {
    pruneStaticDeltas(repo);
    pruneSummaryCache(repo);
  }
  return { total, pruned, freed };
}

/** Objects that stand for themselves; the others come and go with one of these. */
function counted(type: ObjectType): type is 'file' | 'commit' | 'dirtree' | 'dirmeta' {
  return type === 'file' || type === 'commit' || type === 'dirtree' || type === 'dirmeta';
}

/** Deletes the object of that name relative to `objects/`. */
function removeObject(repo: Repo, name: string): void {
  if (repo.mode === 'bare-split-xattrs' && name.endsWith('.file')) {
    deleteObject(repo, 'file', name.slice(0, 2) + name.slice(3, name.indexOf('.')));
    return;
  }
  try {
    repo.fs.unlink(`${repo.path}/objects/${name}`);
  } catch (error) {
    failed(name, error);
  }
}

function failed(name: string, error: unknown): never {
  const shown = name.replace(/\.filez$/, '.file');
  throw prefixError(errnoError(error, `unlinkat(${shown})`), `Deleting object ${shown.replace('/', '')}`);
}

/**
 * Deletes one loose object. A commit goes with its detached metadata, and leaves a tombstone where `core.tombstone-commits`
 * is set.
 */
export function deleteObject(repo: Repo, type: ObjectType, checksum: string): void {
  const { fs } = repo;
  const unlink = (kind: ObjectType): void => {
    try {
      fs.unlink(`${repo.path}/objects/${looseName(checksum, kind, repo.mode)}`);
    } catch (error) {
      if (kind !== type && (error as { code?: string }).code === 'ENOENT') return;
      throw prefixError(
        errnoError(error, `unlinkat(${checksum.slice(0, 2)}/${checksum.slice(2)}.${kind})`),
        `Deleting object ${checksum}.${kind}`,
      );
    }
  };
  if (type === 'commit') unlink('commitmeta');
  if (type === 'file' && repo.mode === 'bare-split-xattrs') unlink('file-xattrs-link');
  unlink(type);
  if (type === 'commit' && repo.settings.tombstoneCommits) writeTombstone(repo, checksum);
}

/** Records that a commit was deleted on purpose. */
export function writeTombstone(repo: Repo, commit: string): void {
  const bytes = encodeDict(new Map([['commit', Variant.bytes(Buffer.from(`${commit}\0`))]]));
  const directory = `${repo.path}/objects/${commit.slice(0, 2)}`;
  if (repo.fs.lstat(directory) === undefined) repo.fs.mkdir(directory, 0o777);
  const path = `${repo.path}/objects/${looseName(commit, 'tombstone-commit', repo.mode)}`;
  writeBeside(repo.fs, path, bytes, repo.settings.fsync);
}

/** Deletes a commit that no ref names; throws `Conflict` when one does. Turns tombstones on, as `--delete-commit` does. */
export function deleteCommit(repo: Repo, commit: string): void {
  for (const [refspec, checksum] of repo.listRefs()) {
    if (checksum === commit) throw new CoppiceError('Conflict', `Commit '${commit}' is referenced by '${refspec}'`);
  }
  enableTombstones(repo);
  deleteObject(repo, 'commit', commit);
}

/** Sets `core.tombstone-commits` in the config. */
export function enableTombstones(repo: Repo): void {
  if (repo.config.boolean('core', 'tombstone-commits', false)) return;
  repo.config.setBoolean('core', 'tombstone-commits', true);
  repo.writeConfig();
}

/** Removes payload links whose target is gone. */
function prunePayloadLinks(repo: Repo, links: readonly string[], noPrune: boolean): number {
  const { fs } = repo;
  let freed = 0;
  for (const checksum of links) {
    const path = `${repo.path}/objects/${looseName(checksum, 'payload-link', repo.mode)}`;
    if (fs.stat(path) !== undefined) continue;
    freed += fs.lstat(path)?.size ?? 0;
    if (!noPrune) fs.unlink(path);
  }
  return freed;
}

/** Removes attribute sets that no content object links to any more. */
function pruneSplitXattrs(repo: Repo, sets: readonly string[]): void {
  for (const checksum of sets) {
    const path = `${repo.path}/objects/${looseName(checksum, 'file-xattrs', repo.mode)}`;
    if (repo.fs.lstat(path)?.nlink === 1) repo.fs.unlink(path);
  }
}

/**
 * Removes static deltas whose target commit is gone, or with `commit` those that lead to it. Names are base64 of the
 * checksums with `_` for `/`, `FROM-TO` or `TO`, cut after two characters.
 */
export function pruneStaticDeltas(repo: Repo, commit?: string): void {
  const { fs } = repo;
  const base = `${repo.path}/deltas`;
  if (fs.lstat(base) === undefined) return;
  for (const head of fs.readdir(base)) {
    let names: string[];
    try {
      names = fs.readdir(`${base}/${head}`);
    } catch {
      continue;
    }
    for (const name of names) {
      const encoded = head + name;
      const to = encoded.slice(encoded.indexOf('-') + 1);
      const checksum = Buffer.from(to.replaceAll('_', '/'), 'base64').toString('hex');
      if (checksum.length !== 64) continue;
      if (commit === undefined ? repo.hasObject('commit', checksum) : checksum !== commit) continue;
      removeTree(`${base}/${head}/${name}`, fs);
    }
    if (fs.readdir(`${base}/${head}`).length === 0) fs.rmdir(`${base}/${head}`);
  }
}

/** Removes cached summaries of remotes that are not configured any more. */
function pruneSummaryCache(repo: Repo): void {
  const { fs } = repo;
  const base = `${repo.path}/tmp/cache/summaries`;
  if (fs.lstat(base) === undefined) return;
  for (const name of fs.readdir(base)) {
    const remote = name.endsWith('.sig') ? name.slice(0, -4) : name;
    if (repo.config.hasGroup(`remote "${remote}"`)) continue;
    fs.unlink(`${base}/${name}`);
  }
}
