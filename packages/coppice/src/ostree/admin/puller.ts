import { CoppiceError } from '@coppice/base';
import type { Repo } from '@coppice/ostree';
import type { Puller } from '@coppice/sysroot';

type Pull = (
  repo: Repo,
  options: { remote: string; refs: readonly string[]; commitOnly?: boolean },
) => Promise<unknown>;

/** Fetches with the default settings of `ostree pull`. */
export function pullerFor(repo: Repo): Puller {
  return async ({ remote, refs, commitOnly }) => {
    const library: Readonly<Record<string, unknown>> = { ...(await import('@coppice/ostree')) };
    const pull = library.pull as Pull | undefined;
    if (pull === undefined) throw new CoppiceError('Unsupported', 'not built yet: pull');
    await pull(repo, { remote, refs, ...(commitOnly === true ? { commitOnly: true } : {}) });
  };
}
