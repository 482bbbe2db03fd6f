// Brings a running tree from one commit to another: /usr as the difference says, /etc where nobody changed it.
import { CoppiceError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { removeTree } from '@coppice/linux';
import { checkout, diffTrees, type Repo } from '@coppice/ostree';
import type { EtcDiff } from '@coppice/sysroot';

/** Differences below /usr; paths are absolute, with /usr. */
export interface UsrDiff {
  readonly addedFiles: readonly string[];
  readonly addedDirs: readonly string[];
  readonly removedFiles: readonly string[];
  readonly removedDirs: readonly string[];
  readonly changedFiles: readonly string[];
  readonly changedDirs: readonly string[];
}

/** What differs below /usr. Of a directory that is on one side only, nothing inside is listed. */
export function diffUsr(repo: Repo, from: string, to: string): UsrDiff {
  const out = {
    addedFiles: [] as string[],
    addedDirs: [] as string[],
    removedFiles: [] as string[],
    removedDirs: [] as string[],
    changedFiles: [] as string[],
    changedDirs: [] as string[],
  };
  let whole: string | undefined;
  for (const { type, path, from: before, to: after } of diffTrees(repo, from, to)) {
    if (!path.startsWith('/usr/')) continue;
    if (whole !== undefined && path.startsWith(whole)) continue;
    whole = undefined;
    const replaced = type === 'modified' && before!.kind !== after!.kind;
    if (before !== undefined && (type === 'removed' || replaced)) {
      (before.kind === 'file' ? out.removedFiles : out.removedDirs).push(path);
      if (before.kind === 'directory') whole = `${path}/`;
    }
    if (after !== undefined && (type === 'added' || replaced)) {
      (after.kind === 'file' ? out.addedFiles : out.addedDirs).push(path);
      if (after.kind === 'directory') whole = `${path}/`;
    }
    if (type === 'modified' && !replaced) (after!.kind === 'file' ? out.changedFiles : out.changedDirs).push(path);
  }
  return out;
}

/** `files(added:1 removed:0 changed:2) dirs(added:0 removed:0 changed:0)`. */
export function formatUsrDiff(d: UsrDiff): string {
  const files = `files(added:${d.addedFiles.length} removed:${d.removedFiles.length} changed:${d.changedFiles.length})`;
  return `${files} dirs(added:${d.addedDirs.length} removed:${d.removedDirs.length} changed:${d.changedDirs.length})`;
}

/** Services whose unit file was replaced: they still run as the old one says. */
export function changedServices(d: UsrDiff): string[] {
  const dir = '/usr/lib/systemd/system/';
  return d.changedFiles.filter((p) => p.startsWith(dir) && p.endsWith('.service')).map((p) => p.slice(dir.length));
}

/** Throws `Unsupported` when owner, mode or attributes of a directory changed. */
export function checkApplicable(d: UsrDiff): void {
  if (d.changedDirs.length > 0) throw new CoppiceError('Unsupported', 'Changed directories are not supported yet');
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

export interface LiveTree {
  readonly repo: Repo;
  readonly fs: FileSystem;
  /** Path of the running root without a slash at the end: empty for `/`. */
  readonly root: string;
  readonly commit: string;
}

type Label = (path: string, mode: number) => string | undefined;

function place(t: LiveTree, subpath: string, to: string, kind: 'file' | 'directory', label?: Label): void {
  const lead = kind === 'file' ? parentOf(to) : to;
  try {
    checkout(t.repo, {
      commit: t.commit,
      subpath,
      dest: `${t.root}${lead}`,
      overwrite: 'union',
      // An overlay is no place for hard links, and what runs must never share an object of the repository.
      forceCopy: true,
      // Without root, as in a tree of one's own, everything belongs to the caller.
      ...(process.getuid?.() === 0 ? {} : { mode: 'user' as const }),
      ...(label === undefined ? {} : { label: (path, mode) => label(`${lead}${path === '/' ? '' : path}`, mode) }),
      fs: t.fs,
    });
  } catch (error) {
    throw prefixError(error, `Checking out ${kind === 'file' ? 'file' : 'dir'} "${to}"`);
  }
}

function remove(t: LiveTree, path: string): void {
  const full = `${t.root}${path}`;
  if (t.fs.lstat(full) === undefined) return;
  try {
    removeTree(full, t.fs);
  } catch (error) {
    throw prefixError(error, `Failed to remove "${path}"`);
  }
}

/** Makes /usr that of the commit. Every file is replaced atomically; doing it again does no harm. */
export function updateUsr(t: LiveTree, d: UsrDiff): void {
  for (const path of [...d.removedFiles, ...d.removedDirs]) {
    // What changed its kind makes room first; everything else goes last.
    if (d.addedDirs.includes(path) || d.addedFiles.includes(path)) remove(t, path);
  }
  for (const path of d.addedDirs) place(t, path, path, 'directory');
  for (const path of [...d.addedFiles, ...d.changedFiles]) place(t, path, path, 'file');
  for (const path of [...d.removedFiles, ...d.removedDirs])
    if (!d.addedDirs.includes(path) && !d.addedFiles.includes(path)) remove(t, path);
}

/** Brings /etc along with /usr/etc, but for what `local` says was changed there (and all below it). */
export function updateEtc(t: LiveTree, d: UsrDiff, local: EtcDiff, label?: Label): void {
  const fresh = new Set([...d.addedFiles, ...d.addedDirs]);
  const kept = new Set([...local.modified, ...local.added]);
  // What is new cannot have been removed by anyone: the update was cut short after /usr.
  for (const path of local.removed) if (!fresh.has(`/usr/etc/${path}`)) kept.add(path);
  const wanted = (paths: readonly string[]): { from: string; to: string }[] =>
    paths
      .filter((p) => p.startsWith('/usr/etc/'))
      .filter((p) => {
        for (let at = p.slice('/usr/etc/'.length); at !== ''; at = at.includes('/') ? parentOf(at) : '')
          if (kept.has(at)) return false;
        return true;
      })
      .map((p) => ({ from: p, to: p.slice('/usr'.length) }));
  for (const { from, to } of wanted(d.addedDirs)) place(t, from, to, 'directory', label);
  for (const { from, to } of wanted([...d.addedFiles, ...d.changedFiles])) place(t, from, to, 'file', label);
  for (const { from, to } of wanted([...d.removedFiles, ...d.removedDirs])) if (!fresh.has(from)) remove(t, to);
}
