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
import { remedyOf } from './checkremedy.ts';
import { checkBootSpace } from './checkspace.ts';
import { checkFinalization } from './checkstaged.ts';
import { readEntries } from './entries.ts';

/**
 * Examines the sysroot at `path`. `deep` also reads every kernel, looks for every object of the deployed commits and makes
 * composefs images again to compare them. `run` is where a staged deployment is recorded: by default that of the running
 * system, for `/` only.
 */
export function checkSysroot(path: string, options: { fs?: FileSystem; deep?: boolean; run?: string } = {}): Finding[] {
  const root = path.replace(/(.)\/+$/, '$1');
  const run = options.run ?? (root === '/' ? '/run/ostree' : undefined);
  const look = new Inspection(options.fs ?? hostFs, root, options.deep === true, run);
  examine(look);
  return look.findings;
}

function examine(look: Inspection): void {
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
      'remove the file that is damaged and deploy again',
    );
  }
  if (entries.length === 0)
    look.add(
      'no-deployments',
      'note',
      `boot/loader.${version}/entries`,
      'there are no boot entries',
      'deploy a commit',
      look.admin('deploy', 'REFSPEC'),
    );
  const used = new Set<string>();
  const kernels = new Set<string>();
  const versions = new Set<string>();
  entries.forEach((entry, i) => {
    checkEntry(look, entry, { index: i, version, count: entries.length, repo, used, kernels });
    const number = entry.get('version') ?? '';
    if (versions.has(number))
      look.add(
        'entry-version',
        'error',
        entryPath(entry, version),
        `two entries have version ${number}: their order is not fixed`,
        'remove one and deploy again, which writes all entries',
        remedyOf(look, entry, i, version, entries.length).replace,
      );
    versions.add(number);
  });
  if (repo !== undefined) checkRefs(look, repo, version, entries.length);
  findLeftovers(look, used, kernels);
  checkFinalization(look);
  checkBootSpace(look, entries.length);
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
      'make an empty one; deployments keep booting without it, and commits can be pulled again',
      `ostree init --repo=${look.word('ostree/repo')} --mode=bare`,
    );
    return undefined;
  }
}
