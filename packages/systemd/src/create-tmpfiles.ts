// Carries out tmpfiles.d lines in a tree. What needs a running system or is about cleaning up is left out and reported.

import { constants } from 'node:fs';
import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { parseTmpfiles, type TmpfilesLine } from './tmpfiles.ts';
import { below, makeParents } from './tree-write.ts';

const tmpfilesDirs = ['/etc/tmpfiles.d', '/run/tmpfiles.d', '/usr/lib/tmpfiles.d'];

export interface TmpfilesOptions {
  readonly fs: FileSystem;
  readonly readFile: (path: string) => Uint8Array;
  /** Only paths at or below these are made. */
  readonly prefixes?: readonly string[];
  /** False when there is only one user id: owners are left alone. */
  readonly owners?: boolean;
}

/** `NAME:...:ID` of passwd or group. */
function ids(root: string, file: string, options: TmpfilesOptions): Map<string, number> {
  const out = new Map<string, number>();
  for (const path of [`/etc/${file}`, `/usr/lib/${file}`]) {
    const full = below(root, path);
    const stat = options.fs.lstat(full);
    if (stat === undefined || (stat.mode & 0o170000) !== 0o100000) continue;
    for (const line of new TextDecoder().decode(options.readFile(full)).split('\n')) {
      const fields = line.split(':');
      if (fields.length > 2 && /^\d+$/.test(fields[2]!) && !out.has(fields[0]!)) out.set(fields[0]!, Number(fields[2]));
    }
  }
  return out;
}

/** All lines of a tree: a file in /etc masks one of its name in /usr/lib; lines are carried out in order of their paths. */
export function tmpfilesOf(root: string, options: TmpfilesOptions): TmpfilesLine[] {
  const { fs } = options;
  const files = new Map<string, string>();
  for (const dir of tmpfilesDirs) {
    const full = below(root, dir);
    if (fs.lstat(full) === undefined) continue;
    for (const name of fs.readdir(full))
      if (name.endsWith('.conf') && !files.has(name)) files.set(name, `${full}/${name}`);
  }
  const lines: TmpfilesLine[] = [];
  const seen = new Set<string>();
  for (const name of [...files.keys()].sort()) {
    const path = files.get(name)!;
    const stat = fs.lstat(path);
    if (stat === undefined || (stat.mode & 0o170000) !== 0o100000) continue;
    for (const line of parseTmpfiles(new TextDecoder().decode(options.readFile(path)))) {
      // Of two lines for one path the first counts.
      const key = `${/[dDvqQ]/.test(line.type) ? 'd' : line.type} ${line.path}`;
      if (seen.has(key)) continue;
      seen.add(key);
      lines.push(line);
    }
  }
  return lines.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/**
 * `systemd-tmpfiles --create --boot` for the types that make something: `d D v q Q`, `f F`, `L`. Paths behind a link in the
 * tree are refused by name. Gives what was made and which lines were left out.
 */
export function createTmpfiles(root: string, options: TmpfilesOptions): { created: string[]; skipped: TmpfilesLine[] } {
  const { fs, prefixes = ['/'], owners = true } = options;
  const users = ids(root, 'passwd', options);
  const groups = ids(root, 'group', options);
  const created: string[] = [];
  const skipped: TmpfilesLine[] = [];
  const idOf = (map: ReadonlyMap<string, number>, name: string | undefined): number | undefined =>
    name === undefined ? 0 : /^\d+$/.test(name) ? Number(name) : map.get(name);
  for (const line of tmpfilesOf(root, options)) {
    const { type, path } = line;
    if (!prefixes.some((p) => path === p || path.startsWith(p.endsWith('/') ? p : `${p}/`))) continue;
    const uid = idOf(users, line.user);
    const gid = idOf(groups, line.group);
    if (!/[dDvqQfFL]/.test(type) || path.includes('%') || uid === undefined || gid === undefined) {
      skipped.push(line);
      continue;
    }
    try {
      const full = below(root, path);
      makeParents(fs, root, path);
      const there = fs.lstat(full);
      if (type === 'L') {
        if (there !== undefined || line.argument === undefined) continue;
        fs.symlink(line.argument, full);
      } else if (/[fF]/.test(type)) {
        if (there !== undefined) continue;
        const fd = fs.open(
          full,
          constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
          0o600,
        );
        try {
          const text = Buffer.from(line.argument ?? '');
          fs.write(fd, text, 0, text.length, null);
          if (owners) fs.fchown(fd, uid, gid);
          fs.fchmod(fd, line.mode ?? 0o644);
        } finally {
          fs.close(fd);
        }
      } else {
        if (there !== undefined) continue;
        fs.mkdir(full, 0o700);
        if (owners) fs.lchown(full, uid, gid);
        fs.chmod(full, line.mode ?? 0o755);
      }
      created.push(path);
    } catch (error) {
      // A link where a directory is wanted: left alone, as systemd-tmpfiles refuses unsafe transitions and goes on.
      if (!(error instanceof CoppiceError) || error.code !== 'Conflict') throw error;
      skipped.push(line);
    }
  }
  return { created, skipped };
}
