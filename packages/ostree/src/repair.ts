import { CoppiceError, isCoppiceError } from '@coppice/base';
import type { ObjectType } from './codec/object-type.ts';
import { ObjectChecker } from './fsck-object.ts';
import { deleteObject } from './prune.ts';
import type { Repo } from './repo.ts';
import type { Transaction } from './store/transaction.ts';
import { allRefTargets } from './traverse.ts';
import { maxTreeDepth } from './tree.ts';

export interface RepairedObject {
  readonly type: ObjectType;
  readonly checksum: string;
  /** What was wrong with it. */
  readonly was: 'missing' | 'corrupt';
  /** False when the source does not have it, or has it damaged too. */
  readonly repaired: boolean;
}

export interface RepairResult {
  readonly checked: number;
  readonly objects: readonly RepairedObject[];
  /** Commits that are whole again and no longer marked as partial. */
  readonly completed: readonly string[];
  /** Commits that still lack something. */
  readonly incomplete: readonly string[];
}

/**
 * Checks every object of every commit and takes what is missing or corrupt from another repository, checked. A commit with
 * a fault is marked as partial before anything is deleted, and unmarked when it is whole again. Commits that a pull left
 * partial on purpose are not completed. Without `source` it only reports.
 */
export function repair(
  repo: Repo,
  source: Repo | undefined,
  onObject?: (object: RepairedObject) => void,
): RepairResult {
  const run = new Repair(repo, source, onObject);
  const commits = new Set<string>(allRefTargets(repo));
  for (const { checksum, type } of repo.objects()) if (type === 'commit') commits.add(checksum);
  for (const commit of commits) if (repo.partialReason(commit) !== 'pull') run.commit(commit);
  return run.result();
}

class Repair {
  readonly #repo: Repo;
  readonly #source: Repo | undefined;
  readonly #onObject: ((object: RepairedObject) => void) | undefined;
  readonly #checker: ObjectChecker;
  readonly #sourceChecker: ObjectChecker | undefined;
  /** `type checksum` -> whether it is good now. */
  readonly #seen = new Map<string, boolean>();
  readonly #objects: RepairedObject[] = [];
  readonly #completed: string[] = [];
  readonly #incomplete: string[] = [];
  /** The commit being walked, and whether it is marked as partial. */
  #commit = '';

  constructor(repo: Repo, source: Repo | undefined, onObject: ((object: RepairedObject) => void) | undefined) {
    this.#repo = repo;
    this.#source = source;
    this.#onObject = onObject;
    this.#checker = new ObjectChecker(repo);
    this.#sourceChecker = source === undefined ? undefined : new ObjectChecker(source);
  }

  result(): RepairResult {
    return {
      checked: this.#seen.size,
      objects: this.#objects,
      completed: this.#completed,
      incomplete: this.#incomplete,
    };
  }

  commit(checksum: string): void {
    this.#commit = checksum;
    let whole = this.#ensure('commit', checksum);
    if (whole) {
      const { tree, meta } = this.#repo.loadCommit(checksum);
      whole = this.#ensure('dirmeta', meta);
      whole = this.#tree(tree, 0) && whole;
    }
    const marked = this.#repo.isPartial(checksum);
    if (!whole) this.#incomplete.push(checksum);
    else if (marked && this.#source !== undefined) {
      this.#repo.unmarkPartial(checksum);
      this.#completed.push(checksum);
    }
  }

  #tree(checksum: string, depth: number): boolean {
    if (depth > maxTreeDepth) throw new CoppiceError('Limit', `Tree deeper than ${maxTreeDepth} directories`);
    if (!this.#ensure('dirtree', checksum)) return false;
    const { files, dirs } = this.#repo.loadDirTree(checksum);
    let whole = true;
    for (const file of files) whole = this.#ensure('file', file.checksum) && whole;
    for (const dir of dirs) {
      whole = this.#ensure('dirmeta', dir.meta) && whole;
      whole = this.#tree(dir.tree, depth + 1) && whole;
    }
    return whole;
  }

  #ensure(type: ObjectType, checksum: string): boolean {
    const key = `${type} ${checksum}`;
    const known = this.#seen.get(key);
    if (known !== undefined) {
      if (!known) this.#repo.markPartial(this.#commit, true);
      return known;
    }
    const was = fault(this.#checker, type, checksum);
    const good = was === undefined || this.#fetch(type, checksum, was);
    this.#seen.set(key, good);
    if (was !== undefined) {
      const object = { type, checksum, was, repaired: good };
      this.#objects.push(object);
      this.#onObject?.(object);
    }
    return good;
  }

  #fetch(type: ObjectType, checksum: string, was: 'missing' | 'corrupt'): boolean {
    const source = this.#source;
    if (source === undefined || this.#sourceChecker === undefined) return false;
    this.#repo.markPartial(this.#commit, true);
    if (fault(this.#sourceChecker, type, checksum) !== undefined) return false;
    const here = this.#repo.findObject(type, checksum);
    if (was === 'corrupt' && here !== undefined) {
      if (here.repo !== this.#repo) return false;
      deleteBad(this.#repo, type, checksum);
    }
    this.#repo.transaction((transaction) => copyObject(transaction, source, type, checksum));
    return true;
  }
}

/**
 * Deletes corrupt objects of a `repair` without source, after marking the incomplete commits as partial, so that a pull
 * fetches them again.
 */
export function dropCorrupt(repo: Repo, found: RepairResult): void {
  for (const commit of found.incomplete) repo.markPartial(commit, true);
  for (const { type, checksum, was } of found.objects) {
    if (was === 'corrupt' && repo.findObject(type, checksum)?.repo === repo) deleteBad(repo, type, checksum);
  }
}

/** Without what goes along with a deleted commit: it is about to come back. */
function deleteBad(repo: Repo, type: ObjectType, checksum: string): void {
  if (type !== 'commit') deleteObject(repo, type, checksum);
  else repo.fs.unlink(repo.findObject(type, checksum)!.path);
}

function copyObject(transaction: Transaction, source: Repo, type: ObjectType, checksum: string): void {
  if (type !== 'file') {
    transaction.writeMetadata(type, source.loadMetadata(type, checksum), checksum);
    return;
  }
  const { header, read } = source.loadFile(checksum);
  transaction.writeContent(header, read(), checksum);
}

function fault(checker: ObjectChecker, type: ObjectType, checksum: string): 'missing' | 'corrupt' | undefined {
  try {
    checker.check(type, checksum);
    return undefined;
  } catch (error) {
    if (isCoppiceError(error, 'NotFound')) return 'missing';
    if (isCoppiceError(error) && (error.kind === 'input' || error.code === 'Io')) return 'corrupt';
    throw error;
  }
}
