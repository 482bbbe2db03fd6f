// The barrier before a boot swap: everything written so far must be on disk, and /boot must not need its journal replayed,
// since boot loaders read it without.

import { spawnSync } from 'node:child_process';
import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';

/**
 * Freezes and thaws the file system at `path`, which empties its journal. False where that is not possible (no
 * privilege, no support, no tool); nothing stays frozen in any case.
 */
export type FreezeThaw = (path: string) => boolean;

/** Through util-linux's fsfreeze, with a watchdog that thaws after 30 seconds even if this process is killed. */
export const fsfreeze: FreezeThaw = (path) => {
  if (process.getuid?.() !== 0) return false;
  const script =
    'trap "" INT TERM; ( trap "" INT TERM; sleep 30; exec fsfreeze -u "$1" ) >/dev/null 2>&1 & dog=$!; ' +
    'fsfreeze -f "$1" && fsfreeze -u "$1"; result=$?; kill -9 $dog; exit $result';
  return spawnSync('sh', ['-c', script, 'sh', path], { stdio: 'ignore' }).status === 0;
};

export interface SyncOptions {
  readonly freeze?: FreezeThaw | undefined;
  /** Fail as if the process had died while /boot was frozen. */
  readonly testFifreeze?: boolean;
  readonly onTestFifreeze?: () => void;
}

/** Throws `Io`; messages start with `Full sync: `. */
export function fullSync(fs: FileSystem, sysroot: string, options: SyncOptions = {}): void {
  try {
    try {
      fs.syncfs(sysroot);
    } catch (error) {
      throw errnoError(error, 'syncfs(sysroot)');
    }
    const boot = `${sysroot}/boot`;
    if (options.testFifreeze === true) {
      options.onTestFifreeze?.();
      throw new CoppiceError('Io', 'During fsfreeze-thaw: aborting due to test-fifreeze');
    }
    if (options.freeze?.(boot) === true) return;
    try {
      fs.syncfs(boot);
    } catch (error) {
      throw errnoError(error, 'During fsfreeze-thaw: syncfs');
    }
  } catch (error) {
    throw prefixError(error, 'Full sync');
  }
}
