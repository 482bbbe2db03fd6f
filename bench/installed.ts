// Our commands as an installed copy runs them: a checkout compares its sources with the build at every start, which takes 5 ms.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Environment for our commands. Throws when the build is older than the sources; that is looked at once, here. */
export function installedEnvironment(): NodeJS.ProcessEnv {
  if (process.env['COPPICE_DIST'] !== undefined) return process.env;
  const done = spawnSync(join(root, 'bin/ostree'), ['--version'], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
  return { ...process.env, COPPICE_DIST: join(root, 'packages/coppice/dist/cli') };
}
