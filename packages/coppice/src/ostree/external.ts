import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { constants as os } from 'node:os';
import { join, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import type { Context } from '../cli/context.ts';

/** Where the original's packages put their external verbs, searched before PATH. */
const extensionFolders = ['/usr/libexec/libostree/ext', '/usr/lib/libostree/ext'];

function find(name: string, context: Context): string | undefined {
  for (const folder of [...extensionFolders, ...(context.env['PATH'] ?? '').split(':')]) {
    const path = resolve(context.cwd, join(folder === '' ? '.' : folder, name));
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {}
  }
  return undefined;
}

/**
 * `ostree FOO ...` with an `ostree-FOO` in the extension folder or PATH: runs it with all words, FOO among them,
 * and ends as it does; undefined when there is none.
 */
export async function runExternal(
  context: Context,
  args: readonly string[],
  command: string,
): Promise<number | undefined> {
  if (command.includes('/')) return undefined;
  const path = find(`ostree-${command}`, context);
  if (path === undefined) return undefined;
  context.stdout.flush();
  context.stderr.flush();
  const done = spawnSync(path, args, { stdio: 'inherit', cwd: context.cwd });
  if (done.error !== undefined) throw new CoppiceError('Process', `Failed to execute ${path}: ${done.error.message}`);
  if (done.signal !== null) {
    process.kill(process.pid, done.signal);
    return 128 + os.signals[done.signal];
  }
  return done.status ?? 1;
}
