// What a check of a sysroot finds, and the view of the sysroot that the single checks share.

import type { FileSystem } from '@coppice/base/fs';
import { readFile } from '@coppice/linux';
import { Origin } from './origin.ts';

export type FindingCode =
  | 'no-repository'
  | 'no-deployments'
  | 'loader-link'
  | 'boot-link'
  | 'half-swap'
  | 'entry-argument'
  | 'entry-boot-version'
  | 'entry-link'
  | 'entry-version'
  | 'kernel-missing'
  | 'initramfs-missing'
  | 'boot-checksum'
  | 'deployment-missing'
  | 'stateroot-missing'
  | 'kernel-arguments'
  | 'etc-missing'
  | 'etc-unlabeled'
  | 'origin-missing'
  | 'origin-unreadable'
  | 'commit-missing'
  | 'object-missing'
  | 'composefs-image'
  | 'not-immutable'
  | 'boot-full'
  | 'staged-missing'
  | 'finalize-failed'
  | 'ref-missing'
  | 'leftover-deployment'
  | 'leftover-kernel'
  | 'leftover-lock';

export interface Finding {
  readonly code: FindingCode;
  /** `fatal`: the default entry does not boot; `error`: another entry does not, or data is missing; `note`: cleanup will deal with it. */
  readonly severity: 'fatal' | 'error' | 'note';
  /** Path below the sysroot. */
  readonly path: string;
  /** What is wrong and what it means. */
  readonly message: string;
  /** What to do about it. */
  readonly advice: string;
  /** A shell command that does it; null when there is nothing to do, or nothing that a command could do. */
  readonly command: string | null;
}

/** A word for a shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A sysroot under examination and what was found in it so far. */
export class Inspection {
  readonly findings: Finding[] = [];
  readonly fs: FileSystem;
  readonly root: string;
  /** Whether kernels are read. */
  readonly deep: boolean;
  /** Where the machine keeps what it knows of staged deployments; undefined for a sysroot that nothing runs from. */
  readonly run: string | undefined;

  constructor(fs: FileSystem, root: string, deep: boolean, run?: string) {
    this.run = run;
    this.fs = fs;
    this.root = root;
    this.deep = deep;
  }

  add(
    code: FindingCode,
    severity: Finding['severity'],
    path: string,
    message: string,
    advice: string,
    command: string | null = null,
  ): void {
    this.findings.push({ code, severity, path, message, advice, command });
  }
  /** A path below the sysroot, for a shell. */
  word(path: string): string {
    return shellWord(`${this.root === '/' ? '' : this.root}/${path}`);
  }
  /** A command of `ostree admin` for this sysroot. */
  admin(verb: string, ...words: readonly string[]): string {
    const sysroot = this.root === '/' ? [] : [`--sysroot=${this.root}`];
    return ['ostree', 'admin', verb, ...sysroot, ...words].map(shellWord).join(' ');
  }
  /** The ref or commit that deploys `name` (CHECKSUM.SERIAL) of a stateroot again. */
  source(osname: string, name: string): string {
    const path = `${this.root}/ostree/deploy/${osname}/deploy/${name}.origin`;
    try {
      const refspec = Origin.parse(readFile(path, { fs: this.fs, limit: 1 << 20 })).refspec;
      if (refspec !== undefined) return refspec;
    } catch {
      // The check of the origin tells of it.
    }
    return name.replace(/\.[0-9]+$/, '');
  }
  there(path: string): boolean {
    return this.fs.stat(`${this.root}/${path}`) !== undefined;
  }
  /** Target of a link, '' for something else; undefined when nothing is there. */
  link(path: string): string | undefined {
    const stat = this.fs.lstat(`${this.root}/${path}`);
    if (stat === undefined) return undefined;
    return (stat.mode & 0o170000) === 0o120000 ? this.fs.readlink(`${this.root}/${path}`) : '';
  }
}
