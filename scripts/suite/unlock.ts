// Scripts that skip themselves on most machines, and what lets them run: for ours and for the original alike.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Unlock {
  /** For the table of results. */
  readonly note: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The line that skips without a condition; the script runs from a copy without it. */
  readonly without?: RegExp;
  /** Commands put first in PATH, by name. */
  readonly commands?: Readonly<Record<string, string>>;
  /** Runs on an xfs file system that shares extents. */
  readonly reflink?: boolean;
  readonly needsRoot?: boolean;
  /** Only in Debian's stable suite: newer ones look at more labels than the shim gives. */
  readonly stableOnly?: boolean;
}

/** The suite asks for the label of a fresh file, which has one only where SELinux is on: this gives it one first. */
const labelling = `#!/bin/sh
for last; do :; done
case "$*" in *security.selinux*testlabel.txt) setfattr -n security.selinux -v system_u:object_r:tmp_t:s0 "$last" ;; esac
exec /usr/bin/getfattr "$@"
`;

export const unlocks: Readonly<Record<string, Unlock>> = {
  'test-basic.sh': {
    note: 'its probe for SELinux labels is answered by labelling the file',
    commands: { getfattr: labelling },
    needsRoot: true,
    stableOnly: true,
  },
  'test-basic-bare-split-xattrs.sh': { note: 'OSTREE_TEST_SUDO=1', env: { OSTREE_TEST_SUDO: '1' }, needsRoot: true },
  'test-payload-link.sh': { note: 'on a loop-mounted xfs with reflink', reflink: true, needsRoot: true },
  'test-pull-repeated.sh': { note: 'OSTREE_TEST_ALLOW_RANDOM=1', env: { OSTREE_TEST_ALLOW_RANDOM: '1' } },
  'test-xattrs.sh': {
    note: 'its unconditional skip taken out, and the same answer to the probe',
    commands: { getfattr: labelling },
    without: /^skip "We don't really have a use case.*$/m,
    needsRoot: true,
  },
};

export interface Unlocked {
  readonly script: string;
  /** Where the script's own folder is made. */
  readonly base: string;
  readonly path: string | undefined;
  close(): void;
}

/** Prepares `folder` for one run of a script. */
export function unlock(unlock: Unlock, script: string, suite: string, folder: string): Unlocked {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o777);
  let path = join(suite, script);
  if (unlock.without !== undefined) {
    path = join(folder, script);
    writeFileSync(path, readFileSync(join(suite, script), 'utf8').replace(unlock.without, ''));
    symlinkSync(join(suite, 'libtest.sh'), join(folder, 'libtest.sh'));
  }
  let commands: string | undefined;
  for (const [name, text] of Object.entries(unlock.commands ?? {})) {
    commands = join(folder, 'bin');
    mkdirSync(commands, { recursive: true });
    writeFileSync(join(commands, name), text, { mode: 0o755 });
  }
  const image = join(folder, 'xfs.img');
  const mounted = join(folder, 'xfs');
  if (unlock.reflink === true) {
    mkdirSync(mounted);
    writeFileSync(image, '');
    truncateSync(image, 512 << 20);
    execFileSync('mkfs.xfs', ['-q', '-m', 'reflink=1', image]);
    execFileSync('mount', ['-o', 'loop', image, mounted]);
  }
  return {
    script: path,
    base: unlock.reflink === true ? mounted : folder,
    path: commands,
    close() {
      // Agents that the script started may live a moment longer.
      if (unlock.reflink === true) execFileSync('umount', ['--lazy', mounted]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
