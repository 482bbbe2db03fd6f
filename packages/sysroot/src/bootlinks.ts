// The chain from a boot entry to a deployment: the kernel argument `ostree=/ostree/boot.V/OS/BOOTCSUM/N`, the directory
// links `ostree/boot.V -> boot.V.S`, and the links `boot.V.S/OS/BOOTCSUM/N -> ../../../deploy/OS/deploy/CSUM.SERIAL`.

import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import type { Deployment } from './deployment.ts';

export type Bit = 0 | 1;

export interface BootLink {
  readonly bootVersion: Bit;
  readonly osname: string;
  readonly bootChecksum: string;
  readonly bootSerial: number;
}

/** Parses the value of `ostree=`. Throws `Invalid` with the original's words; `.` and `..` are refused as names. */
export function parseBootLink(value: string): BootLink {
  const match = /^\/ostree\/boot.([01])\/([^/]+)\/([^/]+)\/([0-9]+)$/.exec(value);
  if (match === null || [match[2], match[3]].some((part) => part === '.' || part === '..'))
    throw new CoppiceError(
      'Invalid',
      `Invalid ostree= argument '${value}', expected ostree=/ostree/boot.BOOTVERSION/OSNAME/BOOTCSUM/TREESERIAL`,
    );
  return {
    bootVersion: match[1] === '1' ? 1 : 0,
    osname: match[2]!,
    bootChecksum: match[3]!,
    bootSerial: Number(match[4]),
  };
}

/** The value of `ostree=` for a deployment under a boot version. */
export function bootLinkPath(bootVersion: Bit, deployment: Deployment): string {
  return `/ostree/boot.${bootVersion}/${deployment.osname}/${deployment.bootChecksum}/${deployment.bootSerial}`;
}

/** What the link of a deployment holds. */
export function bootLinkTarget(deployment: Deployment): string {
  return `../../../deploy/${deployment.osname}/deploy/${deployment.name}`;
}

/** Which of `loader.0` and `loader.1` the boot loader reads; 0 when `boot/loader` is missing. */
export function readBootVersion(fs: FileSystem, sysroot: string): Bit {
  const stat = fs.lstat(`${sysroot}/boot/loader`);
  if (stat === undefined) return 0;
  if ((stat.mode & 0o170000) !== 0o120000) throw new CoppiceError('Invalid', 'Not a symbolic link: boot/loader');
  const target = fs.readlink(`${sysroot}/boot/loader`);
  if (target === 'loader.0') return 0;
  if (target === 'loader.1') return 1;
  throw new CoppiceError('Invalid', `Invalid target '${target}' in boot/loader`);
}

/** Which of `boot.V.0` and `boot.V.1` is in use; 0 when `ostree/boot.V` is missing. */
export function readSubBootVersion(fs: FileSystem, sysroot: string, bootVersion: Bit): Bit {
  const path = `ostree/boot.${bootVersion}`;
  try {
    if (fs.lstat(`${sysroot}/${path}`) === undefined) return 0;
    let target: string;
    try {
      target = fs.readlink(`${sysroot}/${path}`);
    } catch (error) {
      throw errnoError(error, `Reading ${path}`);
    }
    if (target.endsWith('.0')) return 0;
    if (target.endsWith('.1')) return 1;
    throw new CoppiceError('Invalid', `Invalid target '${target}' in ${path}`);
  } catch (error) {
    throw prefixError(error, 'Reading current subbootversion');
  }
}

export function otherBit(bit: Bit): Bit {
  return bit === 0 ? 1 : 0;
}
