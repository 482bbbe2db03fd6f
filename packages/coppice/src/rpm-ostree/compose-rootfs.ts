import { existsSync, renameSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { removeTree } from '@coppice/linux';
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
      {
        long: 'layer-repo',
        arg: 'REPO',
        help: 'OSTree repository to use for ostree-layers and ostree-override-layers',
      },
      { long: 'source-root', arg: 'DIR', help: 'Source root for package system configuration' },
      {
        long: 'ostree-repo',
        arg: 'REPO',
        hidden: true,
        help: 'Use this repository instead of a temporary one for debugging',
      },
      { long: 'source-root-rw', arg: 'DIR', help: 'Like --source-root, but may be written to' },
    ],
    { daemon: false },
  ),
  async run(call) {
    const [, dest, ...rest] = call.options.operands;
    if (dest === undefined) call.usageError('DEST must be specified');
    if (rest.length > 0) call.usageError(`unexpected argument '${rest[0]}' found`);
    const target = resolve(call.context.cwd, dest!);
    if (existsSync(target)) throw new CoppiceError('Exists', `Refusing to operate on extant target ${dest}`);
    const writable = call.options.string('source-root-rw');
    if (writable !== undefined && !isAbsolute(writable))
      throw new CoppiceError('Usage', `Expected absolute path for source-root: ${writable}`);
    const fresh = `${target}.new-${process.pid}`;
    try {
      await withComposedTree(
        call,
        ({ repo, commit }) => {
          checkout(repo, { commit, dest: fresh, mode: process.getuid?.() === 0 ? 'none' : 'user', forceCopy: true });
          // A root as a container has it, not one as a commit does.
          if (existsSync(join(fresh, 'usr/etc'))) renameSync(join(fresh, 'usr/etc'), join(fresh, 'etc'));
          renameSync(fresh, target);
        },
        // Who boots the image labels it: a container build cannot.
        { selinux: false },
      );
    } finally {
      removeTree(fresh);
    }
    return 0;
  },
};
