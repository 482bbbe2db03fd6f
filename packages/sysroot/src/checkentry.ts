// Checks of one boot entry: its argument, kernel and initramfs, and the deployment it leads to.

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { isCoppiceError, messageOf } from '@coppice/base';
import type { Repo } from '@coppice/ostree';
import type { BootConfig } from './bootconfig.ts';
import { type Bit, parseBootLink } from './bootlinks.ts';
import type { Finding, Inspection } from './checkfinding.ts';
import { chunksOf } from './chunks.ts';
import { parseDeploymentName } from './deployment.ts';
import { splitKernelArguments } from './kargs.ts';

/** Path of an entry's file below the sysroot. */
export function entryPath(entry: BootConfig, version: Bit): string {
  return `boot/loader.${version}/entries/${entry.fileName ?? ''}`;
}

/** Follows entry `index`. Adds the deployment and the kernel that it uses to `used` and `kernels`. */
export function checkEntry(
  look: Inspection,
  entry: BootConfig,
  index: number,
  version: Bit,
  repo: Repo | undefined,
  used: Set<string>,
  kernels: Set<string>,
): void {
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
      'deploy again',
    );
    return;
  }
  let link: ReturnType<typeof parseBootLink>;
  try {
    link = parseBootLink(argument);
  } catch (error) {
    look.add('entry-argument', severity, at, messageOf(error), 'deploy again');
    return;
  }
  kernels.add(link.bootChecksum);
  if (link.bootVersion !== version)
    look.add(
      'entry-boot-version',
      severity,
      at,
      `leads to ostree/boot.${link.bootVersion}, though boot version ${version} is in force`,
      'deploy again',
    );
  images(look, entry, at, severity, link.bootChecksum);
  const path = argument.slice(1);
  const target = look.link(path);
  if (target === undefined || target === '') {
    look.add('entry-link', severity, path, `the link that ${at} leads to is missing`, 'deploy again');
    return;
  }
  const name = target.slice(target.lastIndexOf('/') + 1);
  const deployment = `ostree/deploy/${link.osname}/deploy/${name}`;
  used.add(deployment);
  if (!look.there(path) || !look.there(deployment)) {
    look.add(
      'deployment-missing',
      severity,
      deployment,
      `the tree that ${at} starts is missing`,
      'boot another entry and deploy again',
    );
    return;
  }
  tree(look, deployment, name, severity, repo);
}

function images(
  look: Inspection,
  entry: BootConfig,
  at: string,
  severity: Finding['severity'],
  bootChecksum: string,
): void {
  const hash = createHash('sha256');
  let whole = true;
  for (const [key, code] of [
    ['linux', 'kernel-missing'],
    ['initrd', 'initramfs-missing'],
  ] as const) {
    const value = entry.get(key);
    if (value === undefined) {
      if (key === 'linux') look.add(code, severity, at, 'names no kernel', 'deploy again');
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
        'ostree admin deploy installs it again',
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
        'remove the directory and deploy again',
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

function tree(
  look: Inspection,
  deployment: string,
  name: string,
  severity: Finding['severity'],
  repo: Repo | undefined,
): void {
  if (look.there(`${deployment}/usr/etc`) && !look.there(`${deployment}/etc`))
    look.add(
      'etc-missing',
      severity,
      `${deployment}/etc`,
      'the tree has defaults in usr/etc but no etc: its creation was cut off',
      'boot another entry and deploy again',
    );
  if (!look.there(`${deployment}.origin`))
    look.add(
      'origin-missing',
      'error',
      `${deployment}.origin`,
      'without an origin file the deployment cannot be upgraded',
      'ostree admin set-origin, or deploy again',
    );
  try {
    const { checksum } = parseDeploymentName(name);
    if (repo !== undefined && !repo.hasObject('commit', checksum))
      look.add(
        'commit-missing',
        'error',
        deployment,
        'its commit is not in the repository: it boots, but has no version and cannot be copied or compared',
        'pull the commit again',
      );
  } catch (error) {
    if (!isCoppiceError(error)) throw error;
    look.add('entry-link', severity, deployment, error.message, 'deploy again');
  }
}
