// Small trees and repositories for the tests of this package.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Variant } from '@coppice/gvariant';
import { afterAll } from 'vitest';
import { type CommitModifier, MutableTree, Repo, type RepoMode, type Transaction } from '../src/index.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ostree-'));
  chmodSync(folder, 0o755);
  folders.push(folder);
  return folder;
}

export interface Leaf {
  readonly text?: string;
  readonly mode?: number;
  readonly link?: string;
}

/** Writes files by path; directories are made as needed, 0755. */
export function writeTree(folder: string, leaves: Readonly<Record<string, Leaf | string>>): string {
  for (const [path, given] of Object.entries(leaves)) {
    const leaf: Leaf = typeof given === 'string' ? { text: given } : given;
    const full = join(folder, path);
    mkdirSync(dirname(full), { recursive: true, mode: 0o755 });
    if (leaf.link !== undefined) symlinkSync(leaf.link, full);
    else {
      writeFileSync(full, leaf.text ?? '');
      chmodSync(full, leaf.mode ?? 0o644);
    }
  }
  return folder;
}

export interface CommitOptions {
  readonly ref?: string;
  readonly parent?: string;
  readonly timestamp?: number;
  readonly subject?: string;
  readonly body?: string;
  readonly metadata?: ReadonlyMap<string, Variant>;
  readonly modifier?: CommitModifier;
}

/** What `ostree commit --canonical-permissions --no-xattrs` of the folder would write, unless told otherwise. */
export function commitFolder(repo: Repo, folder: string, options: CommitOptions = {}): string {
  return repo.transaction((transaction) => commitIn(transaction, folder, options));
}

export function commitIn(transaction: Transaction, folder: string, options: CommitOptions = {}): string {
  const root = new MutableTree();
  transaction.writeDirectory(folder, root, options.modifier ?? { canonicalPermissions: true });
  const commit = transaction.writeCommit({
    metadata: options.metadata ?? new Map(),
    parent: options.parent,
    subject: options.subject ?? '',
    body: options.body ?? '',
    timestamp: options.timestamp ?? 0,
    ...transaction.writeTree(root),
  });
  if (options.ref !== undefined) transaction.setRef(options.ref, commit);
  return commit;
}

export function newRepo(mode: RepoMode): Repo {
  return Repo.create(join(newFolder(), 'repo'), { mode });
}

/** The tree whose checksums two releases of the original agree on. */
export const goldenTree: Readonly<Record<string, Leaf | string>> = {
  'a.txt': 'hi\n',
  'd/run': { text: 'x', mode: 0o755 },
  empty: '',
  lnk: { link: 'a.txt' },
};

export const goldenMetadata: ReadonlyMap<string, Variant> = new Map([
  ['version', Variant.string('1.0')],
  ['ostree.ref-binding', Variant.strings(['main'])],
]);
