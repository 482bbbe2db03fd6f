import { constants } from 'node:fs';
import { errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { readFile, removeTree } from '@coppice/linux';
import { isDirectory } from '../codec/mode-bits.ts';
import { randomName } from './random-name.ts';

const bootIdFile = '/proc/sys/kernel/random/boot_id';

/** The boot the staged, not yet synced, files belong to: only in the same boot can they be taken up again. */
export function bootId(fs: FileSystem, env: Readonly<Record<string, string | undefined>>): string {
  const given = env['OSTREE_BOOTID'];
  if (given !== undefined) return given;
  try {
    return readFile(bootIdFile, { fs, limit: 256 }).toString('latin1').trim();
  } catch {
    return '00000000-0000-4000-8000-000000000000';
  }
}

/** A locked staging directory below `tmp/`. */
export interface StagingDir {
  readonly path: string;
  /** True when an earlier, interrupted transaction left it. */
  readonly resumed: boolean;
  /** Unlocks and removes the lock file; with `remove`, deletes the directory first. */
  release(remove: boolean): void;
}

/** Takes up an unlocked staging directory of this boot, or makes one: `tmp/staging-BOOTID-XXXXXX` and its `-lock`. */
export function takeStagingDir(fs: FileSystem, repo: string, boot: string): StagingDir {
  const prefix = `staging-${boot}-`;
  for (const name of fs.readdir(`${repo}/tmp`)) {
    if (!name.startsWith(prefix) || name.endsWith('-lock')) continue;
    const path = `${repo}/tmp/${name}`;
    const stat = fs.lstat(path);
    if (stat === undefined || !isDirectory(stat.mode)) continue;
    const fd = tryLockFile(fs, `${path}-lock`);
    if (fd === undefined) continue;
    if (fs.lstat(path) === undefined) {
      // Its owner finished meanwhile.
      fs.unlink(`${path}-lock`);
      fs.close(fd);
      continue;
    }
    // Only whole objects lie in the two-letter directories; anything else is what a write left when it was cut off.
    for (const entry of fs.readdir(path)) if (entry.length !== 2) removeTree(`${path}/${entry}`, fs);
    return staging(fs, path, fd, true);
  }
  for (;;) {
    const path = `${repo}/tmp/${prefix}${randomName()}`;
    try {
      fs.mkdir(path, 0o700);
    } catch (error) {
      if ((error as { code?: string }).code === 'EEXIST') continue;
      throw errnoError(error, 'mkdtemp');
    }
    const fd = tryLockFile(fs, `${path}-lock`);
    if (fd === undefined) continue;
    fs.chmod(path, 0o755);
    return staging(fs, path, fd, false);
  }
}

function staging(fs: FileSystem, path: string, fd: number, resumed: boolean): StagingDir {
  let open = true;
  return {
    path,
    resumed,
    release(remove) {
      if (!open) return;
      open = false;
      if (remove) removeTree(path, fs);
      if (fs.lstat(`${path}-lock`) !== undefined) fs.unlink(`${path}-lock`);
      fs.close(fd);
    },
  };
}

/** A descriptor holding the exclusive lock; undefined when someone else has it. */
function tryLockFile(fs: FileSystem, path: string): number | undefined {
  const fd = fs.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  let locked = false;
  try {
    // The file may have been unlinked between open and lock: the one locked must be the one that has the name.
    locked = fs.tryLock(fd, 'exclusive') && fs.lstat(path)?.ino === fs.fstat(fd).ino;
    return locked ? fd : undefined;
  } finally {
    if (!locked) fs.close(fd);
  }
}

/** Removes what earlier runs left in `tmp/`: staging directories of other boots that nobody holds, and old entries. */
export function cleanTmp(fs: FileSystem, repo: string, boot: string, nowMs: number, expirySeconds: number): void {
  const oldest = nowMs - expirySeconds * 1000;
  for (const name of fs.readdir(`${repo}/tmp`)) {
    if (name === 'cache') continue;
    const path = `${repo}/tmp/${name}`;
    const stat = fs.lstat(path);
    if (stat === undefined) continue;
    if (name.startsWith('staging-')) {
      if (name.endsWith('-lock') || name.startsWith(`staging-${boot}-`)) continue;
      const fd = tryLockFile(fs, `${path}-lock`);
      if (fd === undefined) continue;
      staging(fs, path, fd, true).release(true);
    } else {
      // A content object being written has its final mtime already, which is 0.
      const time = /^(tmp|adopt)-/.test(name) ? stat.ctimeMs : stat.mtimeMs;
      if (time < oldest) removeTree(path, fs);
    }
  }
}
