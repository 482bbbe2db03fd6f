import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { checkout } from '@coppice/ostree';
import { withComposedTree } from './compose-run.ts';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  params: 'MANIFEST DEST',
  summary: 'Generate a filesystem tree from an input manifest',
  options: verbOptions(
    [
      { long: 'cachedir', arg: 'CACHEDIR', help: 'Directory to use for caching downloaded packages and other data' },
      { long: 'cache-only', help: 'Assume cache is present, do not attempt to update it' },
      { long: 'lockfile', arg: 'FILE', type: 'strings', help: 'Lockfile with exact package versions' },
      { long: 'source-root', arg: 'DIR', help: 'Source root for package system configuration' },
      { long: 'source-root-rw', arg: 'DIR', help: 'Like --source-root, but may be written to' },
    ],
    { daemon: false },
  ),
  async run(call) {
    const [, dest] = call.options.operands;
    if (dest === undefined) call.usageError('DEST must be specified');
    const target = resolve(call.context.cwd, dest!);
    if (existsSync(target)) throw new CoppiceError('Exists', `Destination already exists: ${dest}`);
    await withComposedTree(call, ({ repo, commit }) => {
      checkout(repo, { commit, dest: target, mode: process.getuid?.() === 0 ? 'none' : 'user', forceCopy: true });
    });
    return 0;
  },
};
