// The way a machine goes from the boot menu of a sysroot to the tree that it starts.

import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { BootConfig, parseBootLink, strverscmp } from '@coppice/sysroot';
import { expect } from 'vitest';

/** What is in a tree: names, types, modes and content. */
function fingerprint(root: string): string {
  const hash = createHash('sha256');
  const walk = (path: string): void => {
    const stat = lstatSync(path);
    hash.update(`${path.slice(root.length)} ${stat.mode.toString(8)}\n`);
    const type = stat.mode & 0o170000;
    if (type === 0o120000) hash.update(readlinkSync(path));
    else if (type === 0o100000) hash.update(readFileSync(path));
    else if (type === 0o040000) for (const name of readdirSync(path).sort()) walk(`${path}/${name}`);
  };
  walk(root);
  return hash.digest('hex');
}

/**
 * Follows the chain as the machine does: the boot loader takes the entry with the highest version below `boot/loader` and
 * loads its kernel and initramfs; prepare-root resolves `ostree=`. Returns the deployment's name and its fingerprint.
 */
export function boots(sysroot: string): { name: string; print: string } {
  const loader = readlinkSync(join(sysroot, 'boot/loader'));
  expect(loader).toMatch(/^loader\.[01]$/);
  const directory = join(sysroot, 'boot', loader, 'entries');
  const entries = readdirSync(directory)
    .filter((name) => name.endsWith('.conf'))
    .map((name) => BootConfig.parse(readFileSync(join(directory, name), 'utf8')));
  const first = entries.sort((a, b) => -strverscmp(a.get('version')!, b.get('version')!))[0]!;
  const link = first
    .get('options')!
    .split(' ')
    .find((word) => word.startsWith('ostree='))!
    .slice('ostree='.length);
  const { bootChecksum } = parseBootLink(link);
  const images = createHash('sha256')
    .update(readFileSync(join(sysroot, 'boot', first.get('linux')!)))
    .update(readFileSync(join(sysroot, 'boot', first.get('initrd')!)))
    .digest('hex');
  expect(images).toBe(bootChecksum);
  const target = readlinkSync(join(sysroot, link));
  const deployment = join(sysroot, 'ostree/boot.0.0/os/sum', target).replace(
    /^.*\/ostree\/deploy/,
    `${sysroot}/ostree/deploy`,
  );
  return { name: deployment.slice(sysroot.length), print: fingerprint(deployment) };
}
