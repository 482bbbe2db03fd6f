// The packages of a commit: from its metadata when they are there, else from the package database in its tree.
import { CoppiceError } from '@coppice/base';
import type { Repo } from '@coppice/ostree';
import type { Nevra } from '../nevra.ts';
import { diffPackages, type PackageDiff } from '../pkgdiff.ts';
import { packageListOf } from '../pkglist.ts';
import { databasePackages } from '../rpmdb.ts';

/** Throws `NotFound` when the commit has neither. */
export function packagesOf(repo: Repo, checksum: string): Nevra[] {
  const listed = packageListOf(repo.loadCommit(checksum).metadata);
  if (listed !== undefined) return listed;
  const found = databasePackages(repo, checksum);
  if (found === undefined) throw new CoppiceError('NotFound', `No package database in commit ${checksum}`);
  return found;
}

/** The difference between two commits, empty when one has no packages at all. */
export function diffCommits(repo: Repo, from: string, to: string): PackageDiff {
  return diffPackages(packagesOf(repo, from), packagesOf(repo, to));
}
