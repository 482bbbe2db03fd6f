// What the running machine knows about the deployment it was booted from. Injected, so that a directory can play a machine.

import { constants } from 'node:fs';
import { errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { VariantDict } from '@coppice/gvariant';
import { hostFs, readFile } from '@coppice/linux';

/** Identity of a directory: `st_dev` and `st_ino`. */
export interface DeviceInode {
  readonly dev: number;
  readonly ino: number;
}

export interface Host {
  /**
   * Identity of the deployment directory the machine runs from, when `sysroot` is the sysroot it was booted from;
   * undefined on any other sysroot or machine.
   */
  booted(sysroot: string): DeviceInode | undefined;
  /** Identity of `/`; a deployment with it is never deleted. */
  root(): DeviceInode;
  /** `/run/ostree`: staged deployment, its lock, unlocked states. */
  readonly run: string;
  /** Where the shared `/var` of the booted stateroot is mounted. */
  readonly varPath: string;
  /** The text of `/proc/cmdline`. */
  procCmdline(): string;
}

/** The machine this process runs on: `/run/ostree-booted`, as ostree-prepare-root leaves it. */
export function hostMachine(fs: FileSystem = hostFs): Host {
  return {
    run: '/run/ostree',
    varPath: '/var',
    root() {
      const { dev, ino } = fs.stat('/')!;
      return { dev, ino };
    },
    booted(sysroot) {
      const record = '/run/ostree-booted';
      if (fs.stat(record) === undefined) return undefined;
      const root = fs.stat('/')!;
      const self = fs.stat(sysroot);
      if (self === undefined || self.dev !== root.dev || self.ino !== root.ino) return undefined;
      let metadata: VariantDict;
      try {
        metadata = VariantDict.decode(readFile(record, { fs, limit: 1 << 20 }));
      } catch (error) {
        throw errnoError(error, `failed to read ${record}`);
      }
      const backing = metadata.lookup('backing-root-device-inode', '(tt)') as readonly [bigint, bigint] | undefined;
      if (backing === undefined) return { dev: root.dev, ino: root.ino };
      return { dev: Number(backing[0]), ino: Number(backing[1]) };
    },
    procCmdline: () => readSmall(fs, '/proc/cmdline'),
  };
}

/** A directory that plays a machine booted from `deployment` (a path below the sysroot, or none), with its own run state. */
export function directoryHost(options: {
  readonly sysroot: string;
  readonly deployment: string | undefined;
  readonly run: string;
  readonly varPath?: string;
  readonly cmdline?: string;
  readonly fs?: FileSystem;
}): Host {
  const fs = options.fs ?? hostFs;
  const identity = (path: string): DeviceInode | undefined => {
    const stat = fs.stat(path);
    return stat === undefined ? undefined : { dev: stat.dev, ino: stat.ino };
  };
  const deployment = (): DeviceInode | undefined =>
    options.deployment === undefined ? undefined : identity(`${options.sysroot}/${options.deployment}`);
  return {
    run: options.run,
    varPath: options.varPath ?? `${options.sysroot}/${options.deployment?.split('/').slice(0, 3).join('/')}/var`,
    root: () => deployment() ?? identity('/')!,
    booted(sysroot) {
      const [own, asked] = [identity(options.sysroot), identity(sysroot)];
      return own !== undefined && own.dev === asked?.dev && own.ino === asked.ino ? deployment() : undefined;
    },
    procCmdline: () => options.cmdline ?? '',
  };
}

/** A file of unknown size, as those in /proc. */
function readSmall(fs: FileSystem, path: string): string {
  const fd = fs.open(path, constants.O_RDONLY);
  try {
    const parts: Buffer[] = [];
    for (;;) {
      const buffer = Buffer.alloc(4096);
      const n = fs.read(fd, buffer, 0, buffer.length, null);
      if (n === 0 || parts.length > 64) break;
      parts.push(buffer.subarray(0, n));
    }
    return Buffer.concat(parts).toString();
  } finally {
    fs.close(fd);
  }
}
