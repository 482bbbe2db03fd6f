import { spawnSync } from 'node:child_process';
import { subordinateIds } from '@coppice/instance';
import type { Context } from '../../cli/context.ts';
import { Exit } from '../../cli/context.ts';
import { inheritedStdio } from '../../cli/progress-fd.ts';

const marker = 'COPPICE_NAMESPACE';

/** How this call can keep owners: as root, in a namespace with a subordinate id range, or not at all. */
export type Privilege = 'root' | 'subordinate' | 'none';

export function privilege(context: Context): Privilege {
  if (process.getuid?.() === 0) return context.env[marker] === '1' ? 'subordinate' : 'root';
  return 'none';
}

/**
 * Runs this command again as root of a user namespace with the caller's subordinate ids, and exits with its status.
 * Returns when that is not needed (root already) or not possible (no range).
 */
export function enterNamespace(context: Context, args: readonly string[]): void {
  if (process.getuid?.() === 0 || subordinateIds() === undefined) return;
  context.stdout.flush();
  const { progressFd } = context;
  const done = spawnSync(
    'unshare',
    [
      '--user',
      '--map-root-user',
      '--map-auto',
      '--',
      process.execPath,
      ...process.execArgv,
      process.argv[1]!,
      'coppice',
      ...(progressFd === undefined ? [] : [`--progress-fd=${progressFd.fd}`]),
      ...args,
    ],
    { stdio: inheritedStdio(progressFd), env: { ...context.env, [marker]: '1' } as NodeJS.ProcessEnv },
  );
  // Without a working newuidmap the namespace fails to start (status 1, nothing run): go on without owners.
  if (done.error !== undefined) return;
  throw new Exit(done.status ?? 1);
}
