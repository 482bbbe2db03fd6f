import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { hostFs, removeTree } from '@coppice/linux';
import { checkout, findInTree } from '@coppice/ostree';
import { type LabelPolicy, loadPolicy, treeLabel } from '@coppice/selinux';
import type { OstreeCall } from './verb.ts';

/** Finds the label of a path by its mode. */
export type Labeller = (path: string, mode: number) => string | undefined;

function labeller(policy: LabelPolicy | undefined): Labeller | undefined {
  return policy === undefined ? undefined : (path, mode) => treeLabel(policy, path, mode);
}

/** Labels by the policy of the root filesystem at `path`; undefined when it has none. */
export function policyOfRoot({ context }: OstreeCall, path: string): Labeller | undefined {
  const root = resolve(context.cwd, path);
  if (statSync(root, { throwIfNoEntry: false }) === undefined) {
    throw new CoppiceError('NotFound', `opendir(${path}): No such file or directory`);
  }
  return labeller(loadPolicy(hostFs, root));
}

/** Labels by the policy inside a commit. */
export function policyOfCommit({ repo, context }: OstreeCall, rev: string): Labeller | undefined {
  const commit = repo.resolveRev(rev);
  const subpath = ['/usr/etc/selinux', '/etc/selinux'].find((path) => findInTree(repo, commit, path) !== undefined);
  if (subpath === undefined) return undefined;
  const folder = mkdtempSync(join(context.env['TMPDIR'] ?? tmpdir(), 'ostree-sepolicy-'));
  try {
    hostFs.mkdir(`${folder}/etc`, 0o700);
    checkout(repo, { commit, subpath, dest: `${folder}/etc/selinux`, mode: 'user' });
    return labeller(loadPolicy(hostFs, folder));
  } finally {
    removeTree(folder, hostFs);
  }
}
