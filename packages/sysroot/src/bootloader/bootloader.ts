// What a boot loader needs beside the entries: its own configuration file, written into the new `loader.V`, or a program
// run after the swap.

import { spawnSync } from 'node:child_process';
import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import type { BootConfig } from '../bootconfig.ts';
import type { Bit } from '../bootlinks.ts';
import type { SysrootCompat } from '../compat.ts';
import type { Deployment } from '../deployment.ts';

export interface BootLoaderContext {
  readonly fs: FileSystem;
  /** Absolute path of the sysroot. */
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** True when the running system is a deployment of this sysroot. */
  readonly booted: boolean;
  /** The tree of the default deployment before the change, below the sysroot. */
  readonly defaultTree: string | undefined;
  /** `sysroot.bootprefix`: paths in the entries begin with `/boot` already. */
  readonly bootPrefix: boolean;
  readonly compat: SysrootCompat;
  /** The entries of a boot version, the default first. */
  entries(bootVersion: Bit): BootConfig[];
  run: ProgramRunner;
  /** Told what only testers want to see. */
  debug(message: string): void;
}

/** Runs a program to its end; throws `Process` unless it exits with 0. */
export type ProgramRunner = (
  argv: readonly [string, ...string[]],
  options: { env?: Readonly<Record<string, string | undefined>>; cwd?: string; quiet?: boolean },
) => void;

export interface BootLoader {
  /** The name the original reports. */
  readonly name: string;
  /** Found on this sysroot; only asked when none is configured. */
  isActive(): boolean;
  writeConfig(bootVersion: Bit, deployments: readonly Deployment[]): void;
  /** After the new entries are in force and on disk. */
  afterSwap?(bootVersion: Bit): void;
  /** False when a crash while it is updated can leave a machine that does not boot. */
  isAtomic(): boolean;
}

export const runProgram: ProgramRunner = (argv, options) => {
  const [program, ...args] = argv;
  const result = spawnSync(program, args, {
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: options.quiet === false ? 'inherit' : 'ignore',
  });
  if (result.error !== undefined)
    throw new CoppiceError('Process', `Failed to execute child process “${program}” (${messageFor(result.error)})`, {
      cause: result.error,
    });
  if (result.signal !== null) throw new CoppiceError('Process', `Child process killed by signal ${result.signal}`);
  if (result.status !== 0) throw new CoppiceError('Process', `Child process exited with code ${result.status}`);
};

function messageFor(error: Error): string {
  return (error as { code?: string }).code === 'ENOENT' ? 'No such file or directory' : error.message;
}

/** The value of `linux`; throws `Invalid` when an entry has none. */
export function kernelOf(entry: BootConfig): string {
  const kernel = entry.get('linux');
  if (kernel === undefined) throw new CoppiceError('Invalid', 'No "linux" key in bootloader config');
  return kernel;
}

/** Joins lines. After the first empty line all later ones are dropped, as is one at the very start. */
export function joinConfigLines(lines: readonly string[]): string {
  let out = '';
  let sawEmpty = false;
  lines.forEach((line, i) => {
    if (line === '') {
      if (sawEmpty || i === 0) return;
      sawEmpty = true;
    }
    out += `${line}\n`;
  });
  return out;
}
