// Two sysroots side by side: the original works on one, ours (or both in turn) on the other; trees and output must agree.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import { type Context, Exit, memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run as runOstree } from '../../packages/coppice/src/ostree/main.ts';

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const env: Readonly<Record<string, string>> = {
  PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  HOME: '/nonexistent',
  OSTREE_SYSROOT_DEBUG: 'mutable-deployments',
};

/** The original, version 2022.7 as Debian 12 has it; undefined when it is not installed. */
export const originalVersion: string | undefined = (() => {
  const result = spawnSync('ostree', ['--version'], { encoding: 'utf8' });
  return /Version: '([^']+)'/.exec(result.stdout ?? '')?.[1];
})();

/** Why tests against the original are skipped here; undefined when they run. In CI a missing tool fails instead. */
export const skipReason: string | undefined = (() => {
  if (originalVersion !== '2022.7') {
    if (process.env.CI === 'true') throw new Error(`ostree 2022.7 is missing (found ${originalVersion ?? 'none'})`);
    return `ostree 2022.7 is not installed (found ${originalVersion ?? 'none'})`;
  }
  return process.getuid?.() === 0 ? undefined : 'a bare repository needs root';
})();

export function original(args: readonly string[], cwd: string, extra: Record<string, string> = {}): Outcome {
  const result = spawnSync('ostree', args, { cwd, env: { ...env, ...extra }, encoding: 'utf8' });
  return { status: result.status ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** A folder of commands from Debian's unstable suite, when test/judges/unstable.sh was run before: tests use no network. */
const unstable: string | undefined = (() => {
  const script = join(import.meta.dirname, '../judges/unstable.sh');
  const result = spawnSync(script, ['--cached'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
})();

/** Its root file system, unpacked. */
export const newestRoot: string | undefined = unstable === undefined ? undefined : join(unstable, '../root');

/** Why tests against 2026.4 are skipped here. */
export const newestSkipReason: string | undefined =
  unstable === undefined ? 'the newest ostree is not here; test/judges/unstable.sh fetches it' : skipReason;

/** The original of the newest level. */
export function newest(args: readonly string[], cwd: string, extra: Record<string, string> = {}): Outcome {
  const result = spawnSync(`${unstable}/ostree`, args, { cwd, env: { ...env, ...extra }, encoding: 'utf8' });
  // It names itself by the path it was called with.
  const own = (text: string): string => text.replace(/^( *)\/\S*\/bin\/ostree /gm, '$1ostree ');
  return { status: result.status ?? -1, stdout: own(result.stdout), stderr: own(result.stderr) };
}

/** Ours in this process, with the frame's way of printing errors. */
export async function ours(
  args: readonly string[],
  cwd: string,
  extra: Record<string, string> = {},
  level = '2022.7',
): Promise<Outcome> {
  const stdout = memoryOutput();
  const stderr = memoryOutput();
  const context: Context = {
    program: 'ostree',
    env: { ...env, COPPICE_COMPAT: `ostree=${level}`, ...extra },
    cwd,
    stdin: { isTTY: false },
    stdout,
    stderr,
  };
  let status: number;
  try {
    status = await runOstree(context, args);
  } catch (error) {
    if (error instanceof Exit) status = error.status;
    else {
      if (process.env.COPPICE_DEBUG === '1') console.error(error);
      stderr.write(`error: ${messageOf(error)}\n`);
      status = 1;
    }
  }
  return { status, stdout: stdout.text, stderr: stderr.text };
}

export function must(outcome: Outcome): string {
  if (outcome.status !== 0) throw new Error(`exit ${outcome.status}: ${outcome.stderr}`);
  return outcome.stdout;
}

/** In memory where that keeps extended attributes: every swap syncs the whole file system. */
export function temporaryFolder(): string {
  if (existsSync('/dev/shm')) {
    const folder = mkdtempSync('/dev/shm/coppice-sysroot-');
    try {
      hostFs.setxattr(folder, 'user.test', Buffer.from('1'));
      hostFs.removexattr(folder, 'user.test');
      return folder;
    } catch {
      rmSync(folder, { recursive: true });
    }
  }
  return mkdtempSync(join(tmpdir(), 'coppice-sysroot-'));
}

/** Removes a folder with deployments in it, immutable or not. */
export function discard(path: string): void {
  spawnSync('chattr', ['-R', '-f', '-i', path]);
  spawnSync('rm', ['-rf', path]);
}

export interface ListOptions {
  /** Paths (from the root of the listing) that are left out with all below them. */
  readonly skip?: (path: string) => boolean;
}

/**
 * Everything below `root` as lines: type, mode, owner, what it holds, extended attributes, and whether its time is the
 * epoch. Inode numbers, change times and times other than the epoch are not part of it.
 */
export function listing(root: string, options: ListOptions = {}): string[] {
  const lines: string[] = [];
  const walk = (path: string): void => {
    const full = join(root, path);
    const stat = lstatSync(full);
    const type = stat.mode & 0o170000;
    let content = '';
    if (type === 0o100000) content = createHash('sha256').update(readFileSync(full)).digest('hex').slice(0, 16);
    else if (type === 0o120000) content = `-> ${readlinkSync(full)}`;
    else if (type === 0o020000) content = `rdev ${stat.rdev}`;
    const xattrs = hostFs
      .listxattr(full)
      .sort()
      .map((name) => `${name}=${hostFs.getxattr(full, name)?.toString('hex')}`);
    const time = stat.mtimeMs === 0 ? 'epoch' : 'now';
    lines.push([path, stat.mode.toString(8), `${stat.uid}:${stat.gid}`, content, ...xattrs, time].join(' '));
    if (type !== 0o040000) return;
    for (const name of readdirSync(full).sort()) {
      const child = path === '' ? name : `${path}/${name}`;
      if (options.skip?.(child) !== true) walk(child);
    }
  };
  walk('');
  return lines;
}

/** A small generator of numbers: the same seed gives the same steps on every machine. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Writes files of a tree: text, `-> target` for links, `null` for a directory; mode after `@`. */
export function writeTree(root: string, files: Readonly<Record<string, string | null>>): void {
  for (const [name, content] of Object.entries(files)) {
    const [path = '', mode] = name.split('@');
    const full = join(root, path);
    mkdirSync(content === null ? full : dirname(full), { recursive: true });
    if (content?.startsWith('-> ')) symlinkSync(content.slice(3), full);
    else if (content !== null) writeFileSync(full, content);
    if (mode !== undefined) chmodSync(full, Number.parseInt(mode, 8));
  }
}

/** The least that can be deployed: kernel, initramfs, os-release, the usual empty directories. */
export const baseTree: Readonly<Record<string, string | null>> = {
  boot: null,
  dev: null,
  proc: null,
  run: null,
  sys: null,
  sysroot: null,
  'tmp@1777': null,
  var: null,
  ostree: '-> sysroot/ostree',
  'usr/bin/tool@755': '#!/bin/sh\n',
  'usr/lib/os-release': 'NAME=Test\nID=test\nPRETTY_NAME="Test OS 5"\n',
  'usr/lib/modules/6.1.0/vmlinuz': 'kernel 1\n',
  'usr/lib/modules/6.1.0/initramfs.img': 'initramfs 1\n',
  'usr/etc/hosts': '127.0.0.1 localhost\n',
  'usr/etc/app/app.conf': 'a=1\n',
  'usr/etc/app/other.conf': 'b=1\n',
  'usr/etc/secret@600': 'hush\n',
  'usr/etc/link': '-> hosts',
};
