// A deployment: one checked-out tree of a stateroot that a boot entry may start.

import { CoppiceError } from '@coppice/base';
import type { BootConfig } from './bootconfig.ts';
import type { Origin } from './origin.ts';

export type UnlockedState = 'none' | 'development' | 'hotfix' | 'transient';

export interface DeploymentFields {
  readonly osname: string;
  /** Commit checksum, 64 hex digits. */
  readonly checksum: string;
  /** Distinguishes deployments of one commit in one stateroot. */
  readonly deploySerial: number;
  /** Checksum of kernel and initramfs; undefined until they were looked for. */
  readonly bootChecksum?: string;
  readonly bootSerial?: number;
}

export class Deployment {
  readonly osname: string;
  readonly checksum: string;
  readonly deploySerial: number;
  bootChecksum: string;
  /** Distinguishes deployments with one boot checksum in the boot links; -1 before the list is written. */
  bootSerial: number;
  /** Place in the list, -1 when not in it. */
  index = -1;
  origin: Origin | undefined;
  bootConfig: BootConfig | undefined;
  /** Checksums of initrd images added to the tree's own. */
  overlayInitrds: readonly string[] = [];
  unlocked: UnlockedState = 'none';
  staged = false;
  /** It is mounted as the next root, for a soft reboot. */
  softRebootTarget = false;
  finalizationLocked = false;

  constructor(fields: DeploymentFields) {
    this.osname = fields.osname;
    this.checksum = fields.checksum;
    this.deploySerial = fields.deploySerial;
    this.bootChecksum = fields.bootChecksum ?? '';
    this.bootSerial = fields.bootSerial ?? -1;
  }

  /** `CHECKSUM.SERIAL`. */
  get name(): string {
    return `${this.checksum}.${this.deploySerial}`;
  }

  /** Path below the sysroot. */
  get path(): string {
    return `ostree/deploy/${this.osname}/deploy/${this.name}`;
  }

  get originPath(): string {
    return `${this.path}.origin`;
  }

  get backingPath(): string {
    return `ostree/deploy/${this.osname}/backing/${this.name}`;
  }

  get pinned(): boolean {
    return this.origin?.pinned ?? false;
  }

  /** The kernel command line of its boot entry. */
  get options(): string | undefined {
    return this.bootConfig?.get('options');
  }

  clone(): Deployment {
    const copy = new Deployment(this);
    copy.bootSerial = this.bootSerial;
    copy.index = this.index;
    copy.origin = this.origin?.clone();
    copy.bootConfig = this.bootConfig?.clone();
    copy.overlayInitrds = this.overlayInitrds;
    copy.unlocked = this.unlocked;
    return copy;
  }
}

/** Same stateroot, commit and serial. */
export function sameDeployment(a: Deployment | undefined, b: Deployment | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.osname === b.osname && a.checksum === b.checksum && a.deploySerial === b.deploySerial;
}

/** Parses a directory name `CHECKSUM.SERIAL`. Throws `Invalid` with the original's words. */
export function parseDeploymentName(name: string): { checksum: string; deploySerial: number } {
  const match = /^([0-9a-f]+)\.([0-9]+)$/.exec(name);
  if (match === null) throw new CoppiceError('Invalid', `Invalid deploy name '${name}', expected CHECKSUM.TREESERIAL`);
  return { checksum: match[1]!, deploySerial: Number(match[2]) };
}
