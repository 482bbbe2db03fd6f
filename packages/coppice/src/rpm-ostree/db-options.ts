import { CoppiceError } from '@coppice/base';
import { Repo } from '@coppice/ostree';
import type { VerbCall } from './verb.ts';

export const repoOption = {
  long: 'repo',
  short: 'r',
  arg: 'PATH',
  help: 'Path to OSTree repository (defaults to /sysroot/ostree/repo)',
} as const;

/** The repository of the `db` verbs: --repo, or that of a system root. */
export function openDbRepo(call: VerbCall): Repo {
  const { options, context } = call;
  const root = options.has('sysroot') ? options.string('sysroot') : undefined;
  const path = options.string('repo') ?? (root === undefined ? '/sysroot/ostree/repo' : `${root}/ostree/repo`);
  try {
    return Repo.open(path, { env: context.env });
  } catch (error) {
    throw new CoppiceError('NotFound', `opening repo '${path}': ${(error as Error).message}`, { cause: error });
  }
}

/** `DESC (CSUM)`, or the checksum alone. */
export function describeCommit(name: string, checksum: string): string {
  return name === checksum ? checksum : `${name} (${checksum})`;
}
