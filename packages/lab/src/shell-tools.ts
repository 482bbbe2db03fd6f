// A shell and the usual small tools for a base tree: busybox when this machine has a static one, else the host's own
// programs with their loader and libraries.

import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { posix } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { findProgram, hostTool } from '@coppice/instance';
import { readFile } from '@coppice/linux';

/** A file of a package with its bytes at hand. */
export interface PackagedFile {
  readonly path: string;
  readonly mode: number;
  readonly content: { readonly bytes: Uint8Array } | { readonly link: string } | 'directory';
  readonly user?: string;
  readonly group?: string;
}

// Applets that would claim to manage packages or the machine.
const leftOut = new Set([
  'rpm',
  'rpm2cpio',
  'dpkg',
  'dpkg-deb',
  'init',
  'linuxrc',
  'reboot',
  'halt',
  'poweroff',
  'busybox',
  'systemctl',
  'sudo',
]);
const hostPrograms = [
  'sh',
  'ls',
  'cat',
  'cp',
  'mv',
  'rm',
  'ln',
  'mkdir',
  'rmdir',
  'touch',
  'chmod',
  'chown',
  'stat',
  'id',
  'echo',
  'true',
  'false',
  'grep',
  'sed',
  'env',
  'readlink',
  'uname',
];

function busyboxFiles(busybox: string): PackagedFile[] | undefined {
  const listed = spawnSync(busybox, ['--list'], { encoding: 'utf8' });
  if (listed.status !== 0 || hostTool(busybox).loader !== undefined) return undefined;
  const files: PackagedFile[] = [{ path: '/usr/bin/busybox', mode: 0o755, content: { bytes: readFile(busybox) } }];
  const names = listed.stdout.split('\n').filter((name) => /^[\w[.-]+$/.test(name) && !leftOut.has(name));
  for (const name of names) files.push({ path: `/usr/bin/${name}`, mode: 0o777, content: { link: 'busybox' } });
  if (!names.includes('bash')) {
    files.push({
      path: '/usr/bin/bash',
      mode: 0o755,
      content: { bytes: Buffer.from('#!/usr/bin/sh\nexec /usr/bin/sh "$@"\n') },
    });
  }
  return files;
}

function hostFiles(): PackagedFile[] {
  const files = new Map<string, PackagedFile>();
  // Trees are usr-merged: /bin, /lib and the like are links into /usr.
  const place = (path: string): string => (path.startsWith('/usr/') ? path : `/usr${path}`);
  for (const name of hostPrograms) {
    const found = findProgram(name);
    if (found === undefined) continue;
    const tool = hostTool(found);
    files.set(`/usr/bin/${name}`, {
      path: `/usr/bin/${name}`,
      mode: 0o755,
      content: { bytes: readFile(tool.program) },
    });
    for (const library of [...tool.libraries, ...(tool.loader === undefined ? [] : [tool.loader])]) {
      const path = place(library);
      if (!files.has(path)) files.set(path, { path, mode: 0o755, content: { bytes: readFile(realpathSync(library)) } });
    }
    if (tool.interpreter !== undefined) {
      const path = place(tool.interpreter);
      if (!files.has(path)) files.set(path, { path, mode: 0o755, content: { bytes: readFile(tool.loader!) } });
    }
  }
  if (!files.has('/usr/bin/sh'))
    throw new CoppiceError('Unsupported', 'no shell found on this machine for the base tree; install busybox-static');
  return [...files.values()];
}

/** The files of the shell package, below /usr only; parent directories are the caller's. */
export function shellTools(): PackagedFile[] {
  const busybox = findProgram('busybox') ?? findProgram('busybox', '/bin:/usr/bin:/sbin:/usr/sbin');
  const found = busybox === undefined ? undefined : busyboxFiles(busybox);
  return (found ?? hostFiles()).map((file) => ({ ...file, path: posix.normalize(file.path) }));
}
