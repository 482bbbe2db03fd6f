import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { removeTree, replaceFile } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import {
  checkBuildable,
  fetchSolved,
  installRoot,
  postprocessRoot,
  rpmOstreeLevel,
  solveTree,
} from '@coppice/rpm-ostree';
import {
  composeArch,
  layerRepository,
  openRepositories,
  readComposeInput,
  readLockfiles,
  versionFor,
} from './compose-input.ts';
import { checkDirectory } from './compose-output.ts';
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
      {
        long: 'layer-repo',
        arg: 'REPO',
        help: 'OSTree repository to use for ostree-layers and ostree-override-layers; default --repo',
      },
      { long: 'source-root', arg: 'DIR', help: 'Source root for package system configuration' },
      { long: 'disable-selinux', help: 'Disable SELinux labeling, even if manifest enables it' },
      { long: 'postprocess', help: 'Also run default postprocessing' },
      { long: 'ex-lockfile', arg: 'FILE', type: 'strings', help: 'Read lockfile from FILE' },
      { long: 'ex-lockfile-strict', help: 'With --ex-lockfile, only allow installing locked packages' },
    ],
    { daemon: false },
  ),
  async run(call) {
    const { context, options } = call;
    const [, dest, ...rest] = options.operands;
    if (dest === undefined) call.usageError('DESTDIR must be specified');
    if (rest.length > 0) call.usageError(`unexpected argument '${rest[0]}' found`);
    const input = readComposeInput(call);
    checkDirectory(call, 'cachedir', true);
    checkDirectory(call, 'source-root');
    const target = resolve(context.cwd, dest!);
    const there = statSync(target, { throwIfNoEntry: false });
    if (there !== undefined && !there.isDirectory()) throw new CoppiceError('NotFound', `${dest}: Not a directory`);
    const path = options.string('repo');
    const repo = path === undefined ? undefined : Repo.open(resolve(context.cwd, path), { env: context.env });
    const layerRepo = layerRepository(call) ?? repo;
    checkBuildable(input.treefile, context.env);
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
        ...(layerRepo === undefined ? {} : { layerRepo }),
      });
      for (const text of solved.warnings) context.stderr.write(`warning: ${text}\n`);
      await fetchSolved(solved.packages);
      const text = transactionText(context, rpmOstreeLevel(context.env), options.flag('quiet'));
      const treefileJson = `${JSON.stringify(input.loaded.document, null, 2)}\n`;
      const timestamp = composeTime(call);
      const stage = { treefile: input.treefile, timestamp, scratch: join(work, 'compose'), env: context.env };
      const root = join(target, 'rootfs');
      const layers = layerRepo === undefined ? {} : { layerRepo };
      const packages = solved.packages.map((p) => p.path);
      await installRoot({ ...stage, ...layers, packages, progress: text.progress }, root);
      // For `compose postprocess` and `compose commit`, which then need no repositories and includes.
      replaceFile(join(target, 'treefile.json'), Buffer.from(treefileJson));
      if (options.flag('postprocess')) {
        const version = versionFor(input.treefile, undefined, timestamp);
        await postprocessRoot({ ...stage, treefileJson, ...(version === undefined ? {} : { version }) }, root);
      }
    } finally {
      removeTree(work);
    }
    return 0;
  },
};
