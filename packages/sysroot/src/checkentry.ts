// Checks of one boot entry: its argument, kernel and initramfs, and the deployment it leads to.

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { messageOf } from '@coppice/base';
import { chunksOf } from '@coppice/linux';
import type { Repo } from '@coppice/ostree';
import type { BootConfig } from './bootconfig.ts';
import { type Bit, parseBootLink } from './bootlinks.ts';
import type { Finding, Inspection } from './checkfinding.ts';
import { type Remedy, remedyOf } from './checkremedy.ts';
import { checkTree } from './checktree.ts';
import { splitKernelArguments } from './kargs.ts';

/** Path of an entry's file below the sysroot. */
export function entryPath(entry: BootConfig, version: Bit): string {
  return `boot/loader.${version}/entries/${entry.fileName ?? ''}`;
}

/** Where an entry stands, and what the checks of all entries share. */
export interface EntryPlace {
  readonly index: number;
  readonly version: Bit;
  /** Number of entries. */
  readonly count: number;
  readonly repo: Repo | undefined;
  readonly used: Set<string>;
  readonly kernels: Set<string>;
}

/** Follows an entry. Adds the deployment and the kernel that it uses to `used` and `kernels`. */
export function checkEntry(look: Inspection, entry: BootConfig, place: EntryPlace): void {
  const { index, version, repo, used, kernels } = place;
  const remedy = remedyOf(look, entry, index, version, place.count);
  const severity = index === 0 ? 'fatal' : 'error';
  const at = entryPath(entry, version);
  const words = splitKernelArguments(entry.get('options') ?? '');
  const argument = words.find((word) => word.startsWith('ostree='))?.slice('ostree='.length);
  if (argument === undefined) {
    look.add(
      'entry-argument',
      severity,
      at,
      'has no ostree= kernel argument: the initramfs would not know what to start',
      'remove the entry and deploy again',
      remedy.replace,
    );
    return;
  }
  let link: ReturnType<typeof parseBootLink>;
  try {
    link = parseBootLink(argument);
  } catch (error) {
    look.add('entry-argument', severity, at, messageOf(error), 'remove the entry and deploy again', remedy.replace);
    return;
  }
  kernels.add(link.bootChecksum);
  if (link.bootVersion !== version)
    look.add(
      'entry-boot-version',
      severity,
      at,
      `leads to ostree/boot.${link.bootVersion}, though boot version ${version} is in force`,
      'correct the entry',
      `sed -i 's,ostree=/ostree/boot\\.${link.bootVersion}/,ostree=/ostree/boot.${version}/,' ${look.word(at)}`,
    );
  conflicts(look, words, severity, at, remedy);
  const path = argument.slice(1);
  const target = look.link(path);
  images(look, entry, { at, severity, bootChecksum: link.bootChecksum, remedy, tree: path });
  if (target === undefined || target === '') {
    look.add(
      'entry-link',
      severity,
      path,
      `the link that ${at} leads to is missing`,
      'remove the entry and deploy again',
      remedy.replace,
    );
    return;
  }
  const name = target.slice(target.lastIndexOf('/') + 1);
  const deployment = `ostree/deploy/${link.osname}/deploy/${name}`;
  used.add(deployment);
  if (!look.there(path) || !look.there(deployment)) {
    const whole = look.there(`ostree/deploy/${link.osname}`);
    look.add(
      whole ? 'deployment-missing' : 'stateroot-missing',
      severity,
      whole ? deployment : `ostree/deploy/${link.osname}`,
      whole ? `the tree that ${at} starts is missing` : `the whole stateroot of ${at}, with its /var, is missing`,
      'remove the entry and deploy again; until then ostree admin refuses this sysroot',
      whole ? remedy.replace : remedy.replaceStateroot,
    );
    return;
  }
  checkTree(look, deployment, { name, osname: link.osname, severity, repo, remedy });
}

/** Kernel arguments that contradict each other. */
function conflicts(
  look: Inspection,
  words: readonly string[],
  severity: Finding['severity'],
  at: string,
  remedy: Remedy,
): void {
  const of = (key: string): string[] => [...new Set(words.filter((word) => word.startsWith(`${key}=`)))];
  if (of('ostree').length > 1)
    look.add(
      'kernel-arguments',
      severity,
      at,
      `says what to start more than once: ${of('ostree').join(' ')}`,
      'remove the entry and deploy again',
      remedy.replace,
    );
  const roots = of('root');
  if (roots.length > 1)
    look.add(
      'kernel-arguments',
      severity === 'fatal' ? 'error' : severity,
      at,
      `names more than one root file system, of which the last counts: ${roots.join(' ')}`,
      'keep the right one',
      remedy.renew(...roots.slice(0, -1).map((word) => `--karg-delete=${word}`)),
    );
  if (words.includes('ro') && words.includes('rw'))
    look.add(
      'kernel-arguments',
      'note',
      at,
      'has both ro and rw; the last one counts',
      'keep one of them',
      remedy.renew(`--karg-delete=${words.lastIndexOf('ro') < words.lastIndexOf('rw') ? 'ro' : 'rw'}`),
    );
}

interface ImagePlace {
  readonly at: string;
  readonly severity: Finding['severity'];
  readonly bootChecksum: string;
  readonly remedy: Remedy;
  /** The deployment's tree below the sysroot, through its link. */
  readonly tree: string;
}

/** Copies what an entry loads out of the tree, when that has it in its usual place. */
function copyFromTree(look: Inspection, tree: string, values: readonly (string | undefined)[]): string | undefined {
  const commands: string[] = [];
  for (const value of values) {
    if (value === undefined) continue;
    const [, kind, release] = /\/(vmlinuz|initramfs)-([^/]+?)(?:\.img)?$/.exec(value) ?? [];
    const file = `${tree}/usr/lib/modules/${release}/${kind === 'vmlinuz' ? 'vmlinuz' : 'initramfs.img'}`;
    if (!look.there(file)) return undefined;
    const folder = look.word(`boot${value}`.replace(/\/[^/]*$/, ''));
    if (!look.there(`boot${value}`.replace(/\/[^/]*$/, ''))) commands.push(`mkdir -p ${folder}`);
    // What is there may be the repository's own file under another name.
    commands.push(`cp --remove-destination ${look.word(file)} ${look.word(`boot${value}`)}`);
  }
  return commands.length === 0 ? undefined : commands.join(' && ');
}

function images(look: Inspection, entry: BootConfig, place: ImagePlace): void {
  const { at, severity, bootChecksum, remedy, tree } = place;
  const hash = createHash('sha256');
  let whole = true;
  for (const [key, code] of [
    ['linux', 'kernel-missing'],
    ['initrd', 'initramfs-missing'],
  ] as const) {
    const value = entry.get(key);
    if (value === undefined) {
      if (key === 'linux')
        look.add(code, severity, at, 'names no kernel', 'remove the entry and deploy again', remedy.replace);
      whole &&= key !== 'linux';
      continue;
    }
    // `/boot/boot` leads back to /boot, so paths with and without the prefix work.
    const path = `boot${value}`;
    if (!look.there(path)) {
      look.add(
        code,
        severity,
        path,
        `${key === 'linux' ? 'the kernel' : 'the initramfs'} that ${at} names is missing`,
        'copy it from the tree',
        copyFromTree(look, tree, [value]) ?? remedy.renew(),
      );
      whole = false;
    } else if (look.deep && whole) hashFile(look, path, hash);
  }
  const plain = entry.get('devicetree') === undefined && entry.get('fdtdir') === undefined;
  // Older layouts carry a checksum made by whoever built the tree; only the computed kind can be compared.
  if (look.deep && whole && plain && /\/vmlinuz-[^/]*$/.test(entry.get('linux') ?? '')) {
    const found = hash.digest('hex');
    if (found !== bootChecksum)
      look.add(
        'boot-checksum',
        severity === 'fatal' ? 'error' : severity,
        `boot${entry.get('linux')}`,
        `kernel and initramfs have checksum ${found}, not ${bootChecksum}: changed or damaged (older trees carry a checksum of another kind)`,
        'copy them from the tree',
        copyFromTree(look, tree, [entry.get('linux'), entry.get('initrd')]) ?? remedy.renew(),
      );
  }
}

function hashFile(look: Inspection, path: string, hash: ReturnType<typeof createHash>): void {
  const fd = look.fs.open(`${look.root}/${path}`, constants.O_RDONLY);
  try {
    for (const chunk of chunksOf(look.fs, fd)) hash.update(chunk);
  } finally {
    look.fs.close(fd);
  }
}
