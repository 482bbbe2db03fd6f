import { resolve } from 'node:path';
import { type FileChecksumOptions, formatSize, looseName, Reachable, type Repo, traverseCommit } from '@coppice/ostree';
import { commitSide, type DiffEntry, diskSide } from './diff-side.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'REV_OR_DIR REV_OR_DIR',
  summary: 'Compare directory TARGETDIR against revision REV',
  options: () => [
    { long: 'stats', help: 'Print various statistics' },
    { long: 'fs-diff', help: 'Print filesystem diff' },
    { long: 'no-xattrs', help: 'Skip output of extended attributes' },
    { long: 'owner-uid', arg: 'UID', type: 'int', help: 'Use file ownership user id for local files' },
    { long: 'owner-gid', arg: 'GID', type: 'int', help: 'Use file ownership group id for local files' },
  ],
  run(call: OstreeCall) {
    const { operands, options } = call;
    const [first, second] = operands;
    if (first === undefined) call.usage('REV must be specified');
    const from = second === undefined ? `${first}^` : first;
    const to = second ?? first;
    const stats = options.flag('stats');
    if (!stats || options.flag('fs-diff')) printDiff(call, side(call, from), side(call, to));
    if (stats) printStats(call, from, to);
  },
};

function side(call: OstreeCall, text: string): DiffEntry {
  const { repo, options, context } = call;
  if (!text.startsWith('/') && !text.startsWith('./')) return commitSide(repo, repo.resolveRev(text));
  const uid = options.number('owner-uid');
  const gid = options.number('owner-gid');
  const checksum: FileChecksumOptions = {
    ignoreXattrs: options.flag('no-xattrs'),
    canonicalPermissions: repo.mode === 'bare-user-only',
    ...(uid === undefined || uid < 0 ? {} : { ownerUid: uid }),
    ...(gid === undefined || gid < 0 ? {} : { ownerGid: gid }),
  };
  return diskSide(resolve(context.cwd, text), checksum);
}

function printDiff(call: OstreeCall, from: DiffEntry, to: DiffEntry): void {
  const modified: string[] = [];
  const removed: string[] = [];
  const added: string[] = [];
  const addAll = (entry: DiffEntry): void => {
    added.push(entry.shown);
    for (const child of entry.kind === 'directory' ? entry.children() : []) addAll(child);
  };
  const compare = (a: DiffEntry, b: DiffEntry): void => {
    if (a.tree !== undefined && a.tree === b.tree) return;
    const before = a.children();
    const after = b.children();
    const other = new Map(after.map((entry) => [entry.name, entry]));
    for (const entry of before) {
      const match = other.get(entry.name);
      if (match === undefined) removed.push(entry.shown);
      else if (match.kind !== entry.kind) modified.push(entry.shown);
      else {
        if (entry.checksum() !== match.checksum()) modified.push(entry.shown);
        if (entry.kind === 'directory') compare(entry, match);
      }
    }
    const known = new Set(before.map((entry) => entry.name));
    for (const entry of after) if (!known.has(entry.name)) addAll(entry);
  };
  compare(from, to);
  for (const path of modified) call.print(`M    ${path}`);
  for (const path of removed) call.print(`D    ${path}`);
  for (const path of added) call.print(`A    ${path}`);
}

function reachable(repo: Repo, rev: string): Reachable {
  const found = new Reachable();
  traverseCommit(repo, repo.resolveRev(rev), found, { depth: 0 });
  return found;
}

function printStats(call: OstreeCall, from: string, to: string): void {
  const { repo } = call;
  const a = reachable(repo, from);
  const b = reachable(repo, to);
  let count = 0;
  let size = 0;
  for (const [type, checksum] of a) {
    if (!b.has(type, checksum)) continue;
    count++;
    size += repo.fs.lstat(`${repo.path}/objects/${looseName(checksum, type, repo.mode)}`)?.size ?? 0;
  }
  call.print(`[A] Object Count: ${a.size}`);
  call.print(`[B] Object Count: ${b.size}`);
  call.print(`Common Object Count: ${count}`);
  call.print(`Common Object Size: ${formatSize(size)}`);
}
