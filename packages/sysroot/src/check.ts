// Finds and explains broken states of a sysroot. Nothing is changed, nothing is thrown for what is found; it works where
// `Sysroot.open` refuses.

import { messageOf } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import type { BootConfig } from './bootconfig.ts';
import { checkEntry, entryPath } from './checkentry.ts';
import { type Finding, Inspection } from './checkfinding.ts';
import { checkRefs, findLeftovers } from './checkleftovers.ts';
import { checkHalfSwaps, loaderVersion } from './checkmenu.ts';
import { readEntries } from './entries.ts';

/** Examines the sysroot at `path`. `deep` also reads every kernel and compares checksums. */
export function checkSysroot(path: string, options: { fs?: FileSystem; deep?: boolean } = {}): Finding[] {
  const look = new Inspection(options.fs ?? hostFs, path.replace(/(.)\/+$/, '$1'), options.deep === true);
  run(look);
  return look.findings;
}

function run(look: Inspection): void {
  const repo = openRepo(look);
  const version = loaderVersion(look);
  if (version === undefined) return;
  checkHalfSwaps(look, version);
  let entries: BootConfig[] = [];
  try {
    entries = readEntries(look.fs, look.root, version);
  } catch (error) {
    look.add(
      'entry-argument',
      'fatal',
      `boot/loader.${version}/entries`,
      messageOf(error),
      'restore the file or deploy again',
    );
  }
  if (entries.length === 0)
    look.add(
      'no-deployments',
      'note',
      `boot/loader.${version}/entries`,
      'there are no boot entries',
      'deploy a commit',
    );
  const used = new Set<string>();
  const kernels = new Set<string>();
  const versions = new Set<string>();
  entries.forEach((entry, i) => {
    checkEntry(look, entry, i, version, repo, used, kernels);
    const number = entry.get('version') ?? '';
    if (versions.has(number))
      look.add(
        'entry-version',
        'error',
        entryPath(entry, version),
        `two entries have version ${number}: their order is not fixed`,
        'deploy again, which writes all entries',
      );
    versions.add(number);
  });
  if (repo !== undefined) checkRefs(look, repo, version, entries.length);
  findLeftovers(look, used, kernels);
}

function openRepo(look: Inspection): Repo | undefined {
  try {
    return Repo.open(`${look.root}/ostree/repo`, { fs: look.fs });
  } catch (error) {
    look.add(
      'no-repository',
      'error',
      'ostree/repo',
      `the repository cannot be opened: ${messageOf(error)}`,
      'ostree admin init-fs makes an empty one; deployments keep booting without it',
    );
    return undefined;
  }
}
