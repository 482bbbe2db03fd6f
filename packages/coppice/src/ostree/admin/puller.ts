import { pull, type Repo } from '@coppice/ostree';
import type { Puller } from '@coppice/sysroot';
import type { Context } from '../../cli/context.ts';
import { PullConsole } from '../pull-console.ts';

/** Fetches with the default settings of `ostree pull`; shows progress on a terminal and nothing elsewhere. */
export function pullerFor(context: Context, repo: Repo): Puller {
  return async ({ remote, refs, commitOnly, refuseOlder }) => {
    const console = new PullConsole(context);
    try {
      await pull(repo, {
        remote,
        refs,
        progress: console.progress,
        ...(refuseOlder === true ? { timestampCheck: true } : {}),
        ...(commitOnly === true ? { commitOnly: true } : {}),
      });
    } finally {
      console.finish(undefined);
    }
  };
}
