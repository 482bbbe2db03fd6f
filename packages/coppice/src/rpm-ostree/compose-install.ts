import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { removeTree } from '@coppice/linux';
import { fetchSolved, installRoot, rpmOstreeLevel, solveTree } from '@coppice/rpm-ostree';
import { composeArch, openRepositories, readComposeInput, readLockfiles } from './compose-input.ts';
import { composeTime } from './compose-tree.ts';
import { verbOptions } from './options.ts';
import { transactionText } from './transaction-text.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  params: 'TREEFILE DESTDIR',
  summary: 'Install packages into a target path',
  options: verbOptions(
    [
      { long: 'unified-core', help: 'Use new "unified core" codepath' },
      { long: 'repo', short: 'r', arg: 'REPO', help: 'Path to OSTree repository' },
      { long: 'cachedir', arg: 'CACHEDIR', help: 'Cached state' },
      { long: 'cache-only', help: 'Assume cache is present, do not attempt to update it' },
      { long: 'ex-lockfile', arg: 'FILE', type: 'strings', help: 'Read lockfile from FILE' },
      { long: 'ex-lockfile-strict', help: 'With --ex-lockfile, only allow installing locked packages' },
    ],
    { daemon: false },
  ),
  async run(call) {
    const { context, options } = call;
    const [, dest] = options.operands;
    if (dest === undefined) call.usageError('DESTDIR must be specified');
    const input = readComposeInput(call);
    const work = mkdtempSync(join(tmpdir(), 'rpm-ostree-install-'));
    try {
      const cacheDir = resolve(context.cwd, options.string('cachedir') ?? work);
      const lockfile = readLockfiles(call);
      const solved = solveTree({
        repositories: await openRepositories(call, input, cacheDir),
        arch: composeArch,
        treefile: input.treefile,
        document: input.loaded.document,
        ...(lockfile === undefined ? {} : { lockfile }),
        lockfileStrict: options.flag('ex-lockfile-strict'),
      });
      await fetchSolved(solved.packages);
      const text = transactionText(context, rpmOstreeLevel(context.env), options.flag('quiet'));
      const target = resolve(context.cwd, dest!);
      mkdirSync(target, { recursive: true });
      await installRoot(
        {
          packages: solved.packages.map((p) => p.path),
          treefile: input.treefile,
          timestamp: composeTime(call),
          scratch: join(work, 'compose'),
          env: context.env,
          progress: text.progress,
        },
        join(target, 'rootfs'),
      );
      // For `compose postprocess` and `compose commit`, which then need no repositories and includes.
      writeFileSync(join(target, 'treefile.json'), `${JSON.stringify(input.loaded.document, null, 2)}\n`);
    } finally {
      removeTree(work);
    }
    return 0;
  },
};
