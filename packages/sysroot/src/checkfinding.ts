// What a check of a sysroot finds, and the view of the sysroot that the single checks share.

import type { FileSystem } from '@coppice/base/fs';

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
  | 'etc-missing'
  | 'origin-missing'
  | 'commit-missing'
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
}

export const cleanupAdvice = 'ostree admin cleanup removes it';

/** A sysroot under examination and what was found in it so far. */
export class Inspection {
  readonly findings: Finding[] = [];
  readonly fs: FileSystem;
  readonly root: string;
  /** Whether kernels are read. */
  readonly deep: boolean;

  constructor(fs: FileSystem, root: string, deep: boolean) {
    this.fs = fs;
    this.root = root;
    this.deep = deep;
  }

  add(code: FindingCode, severity: Finding['severity'], path: string, message: string, advice: string): void {
    this.findings.push({ code, severity, path, message, advice });
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
