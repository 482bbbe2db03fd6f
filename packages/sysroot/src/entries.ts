// The entries of a boot version in `boot/loader.V/entries`, and their file names.

import { errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { readFile } from '@coppice/linux';
import { BootConfig } from './bootconfig.ts';
import type { Bit } from './bootlinks.ts';
import { strverscmp } from './verscmp.ts';

/** Order of a boot menu: the highest `version` first, entries without one last. */
export function compareEntries(a: BootConfig | undefined, b: BootConfig | undefined): number {
  const [left, right] = [a?.get('version'), b?.get('version')];
  if (left !== undefined && right !== undefined) return -strverscmp(left, right);
  return left !== undefined ? -1 : 1;
}

/** Reads our entries (`ostree-*.conf`), the default first. Other systems' files are left alone. */
export function readEntries(fs: FileSystem, sysroot: string, bootVersion: Bit): BootConfig[] {
  const directory = `${sysroot}/boot/loader.${bootVersion}/entries`;
  if (fs.stat(directory) === undefined) return [];
  const entries: BootConfig[] = [];
  for (const name of fs.readdir(directory)) {
    if (!name.startsWith('ostree-') || !name.endsWith('.conf')) continue;
    const stat = fs.stat(`${directory}/${name}`);
    if (stat === undefined || (stat.mode & 0o170000) !== 0o100000) continue;
    try {
      entries.push(BootConfig.parse(readFile(`${directory}/${name}`, { fs, limit: 1 << 20 }).toString(), name));
    } catch (error) {
      throw errnoError(error, `Parsing ${name}`);
    }
  }
  return entries.sort(compareEntries);
}

/** Boot counting in a file name: `+LEFT` or `+LEFT-DONE` before `.conf`. */
export function entryCounters(fileName: string): { left: number; done: number } | undefined {
  const match = /\+([0-9]+)(?:-([0-9]+))?\.conf$/.exec(fileName);
  return match === null ? undefined : { left: Number(match[1]), done: Number(match[2] ?? '0') };
}

export interface EntryNameParts {
  /** Number of deployments minus index: the default has the highest. */
  readonly number: number;
  /** Given for the older scheme `ostree-N-STATEROOT.conf`. */
  readonly osname?: string | undefined;
  /** Name the entry was read from; undefined for a deployment that was never written. */
  readonly previous?: string | undefined;
  /** `sysroot.boot-counting-tries`; 0 is off. */
  readonly tries?: number | undefined;
}

export function entryFileName(parts: EntryNameParts): string {
  const base = parts.osname === undefined ? `ostree-${parts.number}` : `ostree-${parts.number}-${parts.osname}`;
  const tries = parts.tries ?? 0;
  if (tries <= 0 || parts.osname !== undefined) return `${base}.conf`;
  if (parts.previous === undefined) return `${base}+${tries}.conf`;
  const { left, done } = entryCounters(parts.previous) ?? { left: 0, done: 0 };
  return left === 0 && done === 0 ? `${base}.conf` : `${base}+${left}-${done}.conf`;
}
