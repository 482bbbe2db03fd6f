// Commands that mend what is wrong with one boot entry.

import { readFile } from '@coppice/linux';
import { BootConfig } from './bootconfig.ts';
import { type Bit, parseBootLink } from './bootlinks.ts';
import type { Inspection } from './checkfinding.ts';
import { splitKernelArguments } from './kargs.ts';

export interface Remedy {
  /** Deploys the same again, with further options; where the entry itself is whole. */
  redeploy(...options: readonly string[]): string;
  /** Takes the entry away first: while it is there, `ostree admin` refuses the whole sysroot. */
  readonly replace: string;
  /** As `replace` for all entries of a stateroot, which is made again. */
  readonly replaceStateroot: string;
  /** Deploys the default again, or removes another deployment: for damage inside a tree. */
  renew(...options: readonly string[]): string;
}

const argumentsOf = (entry: BootConfig, key: string): string[] =>
  splitKernelArguments(entry.get('options') ?? '')
    .filter((word) => word.startsWith(`${key}=`))
    .map((word) => word.slice(key.length + 1));

interface Started {
  readonly osname: string;
  /** CHECKSUM.SERIAL. */
  readonly name: string | undefined;
}

/** What an entry's arguments lead to; also by way of the boot version in force, when its own is not there. */
function started(look: Inspection, entry: BootConfig, version: Bit): Started | undefined {
  let osname: string | undefined;
  for (const value of argumentsOf(entry, 'ostree')) {
    try {
      osname = parseBootLink(value).osname;
    } catch {
      continue;
    }
    for (const path of [value.slice(1), value.slice(1).replace(/^ostree\/boot\.[01]/, `ostree/boot.${version}`)]) {
      const target = look.link(path) ?? '';
      const name = target.slice(target.lastIndexOf('/') + 1);
      if (/^[0-9a-f]{64}\.[0-9]+$/.test(name)) return { osname, name };
    }
  }
  return osname === undefined ? undefined : { osname, name: undefined };
}

/** The entries of a boot version, as far as they can be read, with their file names. */
function allEntries(look: Inspection, version: Bit): BootConfig[] {
  const base = `${look.root}/boot/loader.${version}/entries`;
  return look.fs
    .readdir(base)
    .filter((file) => /^ostree-.*\.conf$/.test(file))
    .map((file) => BootConfig.parse(readFile(`${base}/${file}`, { fs: look.fs, limit: 1 << 20 }).toString(), file));
}

/** A stateroot and a tree in it that no entry leads to, when there is only one of each to choose from. */
function unclaimed(look: Inspection, version: Bit, osname: string | undefined): Started | undefined {
  const base = `${look.root}/ostree/deploy`;
  const stateroots = look.fs.stat(base) === undefined ? [] : look.fs.readdir(base);
  const own = osname ?? (stateroots.length === 1 ? stateroots[0] : undefined);
  if (own === undefined) return undefined;
  const claimed = new Set(allEntries(look, version).map((entry) => started(look, entry, version)?.name));
  const folder = `${base}/${own}/deploy`;
  const trees = (look.fs.stat(folder) === undefined ? [] : look.fs.readdir(folder)).filter(
    (name) => /^[0-9a-f]{64}\.[0-9]+$/.test(name) && !claimed.has(name),
  );
  return { osname: own, name: trees.length === 1 ? trees[0] : undefined };
}

/** Commands for entry `index` of `count`. What it starts is read from its arguments, its link and its origin. */
export function remedyOf(look: Inspection, entry: BootConfig, index: number, version: Bit, count: number): Remedy {
  let found = started(look, entry, version);
  if (found?.name === undefined) found = unclaimed(look, version, found?.osname) ?? found;
  const osname = found?.osname ?? 'OSNAME';
  const source = found?.name === undefined ? 'REFSPEC' : look.source(osname, found.name);
  const os = `--os=${osname}`;
  const entries = `boot/loader.${version}/entries`;
  // Without another deployment there is nothing to take the kernel arguments from.
  const kept = splitKernelArguments(entry.get('options') ?? '')
    .filter((word) => !word.startsWith('ostree='))
    .map((word) => `--karg-append=${word}`);
  const afresh = look.admin('deploy', os, ...kept, source);
  const redeploy = (...options: readonly string[]): string => look.admin('deploy', os, ...options, source);
  return {
    redeploy,
    replace: `rm ${look.word(`${entries}/${entry.fileName ?? ''}`)} && ${count > 1 ? redeploy() : afresh}`,
    get replaceStateroot() {
      const same = allEntries(look, version).filter((other) => started(look, other, version)?.osname === osname);
      const files = same.map((other) => look.word(`${entries}/${other.fileName}`)).join(' ');
      return `rm ${files} && ${look.admin('os-init', osname)} && ${afresh}`;
    },
    renew: (...options) => (index === 0 ? redeploy(...options) : look.admin('undeploy', String(index))),
  };
}
