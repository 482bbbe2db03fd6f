import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { removeTree, replaceFile } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import { fetchSolved, installRoot, postprocessRoot } from '@coppice/rpm-ostree';
import { readComposeInput, versionFor } from './compose-input.ts';
import { checkDirectory, outputPath, touch } from './compose-output.ts';
import { checkDownloads, isUnchanged, planCompose, previousCompose } from './compose-plan.ts';
import { composeTime, composeTreeOptions } from './compose-tree.ts';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

/** Options that are about a commit, which there is none of. */
const commitOnly = [
  'add-metadata-string',
  'add-metadata-from-json',
  'write-commitid-to',
  'write-composejson-to',
  'no-parent',
  'parent',
];

export const verb: Verb = {
  params: 'TREEFILE DESTDIR',
  summary: 'Install packages into a target path',
  options: verbOptions(
    composeTreeOptions.filter((o) => !commitOnly.includes(o.long)),
    { daemon: false },
  ),
  async run(call) {
    const { context, options } = call;
    const input = readComposeInput(call);
    if (options.flag('print-only')) {
      context.stdout.write(`${JSON.stringify(input.loaded.document, null, 2)}\n`);
      return 0;
    }
    const [, dest, ...rest] = options.operands;
    if (dest === undefined) call.usageError('DESTDIR must be specified');
    if (rest.length > 0) call.usageError(`unexpected argument '${rest[0]}' found`);
    checkDownloads(call);
    checkDirectory(call, 'workdir');
    checkDirectory(call, 'cachedir', true);
    checkDirectory(call, 'source-root');
    const touchPath = outputPath(call, 'touch-if-changed');
    const target = resolve(context.cwd, dest!);
    const there = statSync(target, { throwIfNoEntry: false });
    if (there !== undefined && !there.isDirectory()) throw new CoppiceError('NotFound', `${dest}: Not a directory`);
    const path = options.string('repo');
    const repo = path === undefined ? undefined : Repo.open(resolve(context.cwd, path), { env: context.env });
    const given = options.string('workdir');
    const work = mkdtempSync(join(given === undefined ? tmpdir() : resolve(context.cwd, given), 'rpm-ostree-install-'));
    try {
      const cacheDir = resolve(context.cwd, options.string('cachedir') ?? work);
      const plan = await planCompose(call, input, cacheDir, repo);
      if (plan === undefined) return 0;
      const { sources, solved, text } = plan;
      const previous = previousCompose(call, repo, input.treefile.ref);
      if (isUnchanged(call, plan, previous)) return 0;
      await fetchSolved(solved.packages, options.string('proxy'));
      const timestamp = composeTime(call);
      const stage = { treefile: input.treefile, timestamp, scratch: join(work, 'compose'), env: context.env };
      const root = join(target, 'rootfs');
      const layerRepo = sources.layerRepo ?? repo;
      const layers = layerRepo === undefined ? {} : { layerRepo };
      const packages = solved.packages.map((p) => p.path);
      await installRoot({ ...stage, ...layers, packages, progress: text.progress }, root);
      // For `compose postprocess` and `compose commit`, which then need no repositories and includes.
      const treefileJson = `${JSON.stringify(input.loaded.document, null, 2)}\n`;
      replaceFile(join(target, 'treefile.json'), Buffer.from(treefileJson));
      if (options.flag('postprocess')) {
        const version = versionFor(input.treefile, previous.version, timestamp);
        await postprocessRoot({ ...stage, treefileJson, ...(version === undefined ? {} : { version }) }, root);
      }
      if (touchPath !== undefined) touch(touchPath);
    } finally {
      removeTree(work);
    }
    return 0;
  },
};
