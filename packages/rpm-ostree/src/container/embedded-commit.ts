// The commit that a container image of a system carries: in the repository at /ostree/repo of its root file system.
import { join } from 'node:path';
import { CoppiceError, prefixError } from '@coppice/base';
import { pull, Repo } from '@coppice/ostree';

type Environment = Readonly<Record<string, string | undefined>>;

const repositoryPath = 'ostree/repo';

/** The one commit in the image's repository. Throws `NotFound` without one, `Conflict` for several. */
function onlyCommit(repo: Repo): string {
  const commits: string[] = [];
  for (const { type, checksum } of repo.objects()) if (type === 'commit') commits.push(checksum);
  if (commits.length === 0) throw new CoppiceError('NotFound', 'No encapsulated commit found in container');
  if (commits.length > 1)
    throw new CoppiceError('Conflict', `Found ${commits.length} commit objects, expected just one`);
  return commits[0]!;
}

/**
 * Copies the commit of the image whose root file system is `root` into the repository of `sysroot`. Returns its checksum.
 * Throws `NotFound`, `Conflict`, and what opening and pulling throw.
 */
export async function takeEmbeddedCommit(root: string, sysroot: string, env: Environment): Promise<string> {
  const source = join(root, repositoryPath);
  const commit = onlyCommit(Repo.open(source, { env }));
  const target = Repo.open(join(sysroot, repositoryPath), { env });
  try {
    await pull(target, { remote: `file://${source}`, refs: [commit], mirror: true });
  } catch (error) {
    throw prefixError(error, 'Pulling from embedded repo');
  }
  return commit;
}
