// New sysroots and stateroots. A stateroot is a system of deployments that share one /var.

import { checkPathComponent, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import { makeDirectories } from './links.ts';
import type { Sysroot } from './sysroot.ts';

/** 0: a whole root; 1: only /boot and /ostree; 2: as 1, with /ostree for its owner only. */
export type InitEpoch = 0 | 1 | 2;

const rootDirectories: readonly (readonly [string, number])[] = [
  ['dev', 0o755],
  ['home', 0o755],
  ['proc', 0o755],
  ['run', 0o755],
  ['sys', 0o755],
];

function makeExactly(fs: FileSystem, path: string, mode: number): void {
  if (fs.stat(path) !== undefined) return;
  fs.mkdir(path, mode);
  fs.chmod(path, mode);
}

/** Lays out a root file system in the existing directory `path`: `ostree admin init-fs`. What exists is kept. */
export function initFs(path: string, options: { epoch?: InitEpoch; fs?: FileSystem } = {}): void {
  const { epoch = 0, fs = hostFs } = options;
  if (fs.stat(path) === undefined) throw errnoError({ code: 'ENOENT' }, `opendir(${path})`);
  makeExactly(fs, `${path}/boot`, 0o755);
  if (epoch >= 2) makeExactly(fs, `${path}/ostree`, 0o700);
  if (epoch === 0) {
    for (const [name, mode] of rootDirectories) makeExactly(fs, `${path}/${name}`, mode);
    makeExactly(fs, `${path}/root`, 0o700);
    makeExactly(fs, `${path}/tmp`, 0o1777);
  }
  ensureInitialized(path, fs);
}

/** `ostree/repo` (mode bare) and `ostree/deploy`. */
export function ensureInitialized(path: string, fs: FileSystem = hostFs): void {
  makeDirectories(fs, `${path}/ostree/repo`, 0o755);
  makeDirectories(fs, `${path}/ostree/deploy`, 0o755);
  if (fs.stat(`${path}/ostree/repo/objects`) === undefined) Repo.create(`${path}/ostree/repo`, { mode: 'bare', fs });
}

/** The directories that systems without tmpfiles.d expect in /var. */
export function legacyVarSkeleton(fs: FileSystem, varPath: string): void {
  const directory = (name: string, mode: number): void => {
    if (fs.lstat(`${varPath}/${name}`) === undefined) fs.mkdir(`${varPath}/${name}`, mode);
  };
  const link = (target: string, name: string): void => {
    if (fs.lstat(`${varPath}/${name}`) === undefined) fs.symlink(target, `${varPath}/${name}`);
  };
  directory('tmp', 0o777);
  fs.chmod(`${varPath}/tmp`, 0o1777);
  directory('lib', 0o777);
  directory('log', 0o755);
  link('../run', 'run');
  link('../run/lock', 'lock');
}

/** Makes `ostree/deploy/OSNAME` with its `var`. Throws `Exists` when it is there, `Invalid` for a name that is no path component. */
export function initStateroot(sysroot: Sysroot, osname: string): void {
  const { fs, path } = sysroot;
  checkPathComponent(osname, 'stateroot');
  const directory = `ostree/deploy/${osname}`;
  try {
    fs.mkdir(`${path}/${directory}`, 0o777);
  } catch (error) {
    throw errnoError(error, `Creating ${directory}`);
  }
  try {
    fs.mkdir(`${path}/${directory}/var`, 0o777);
  } catch (error) {
    throw errnoError(error, 'Creating var');
  }
  if (!sysroot.compat.initialVar) legacyVarSkeleton(fs, `${path}/${directory}/var`);
  sysroot.touch();
}
