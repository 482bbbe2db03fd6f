import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { removeTree } from '@coppice/linux';
import { loadTreefile, postprocessRoot, typeTreefile } from '@coppice/rpm-ostree';
import { composeArch, diskSource, versionFor } from './compose-input.ts';
import { composeTime } from './compose-tree.ts';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  params: 'ROOTFS [TREEFILE]',
  summary: 'Perform final postprocessing on an installation root',
  options: verbOptions([{ long: 'unified-core', help: 'Use new "unified core" codepath' }], { daemon: false }),
  async run(call) {
    const { context, options } = call;
    const [root, file, ...rest] = options.operands;
    if (root === undefined) call.usageError('ROOTFS must be specified');
    if (rest.length > 0) call.usageError(`unexpected argument '${rest[0]}' found`);
    const document =
      file === undefined ? {} : loadTreefile(resolve(context.cwd, file), diskSource, composeArch).document;
    const treefile = typeTreefile(document);
    const timestamp = composeTime(call);
    const version = versionFor(treefile, undefined, timestamp);
    const scratch = mkdtempSync(join(tmpdir(), 'rpm-ostree-postprocess-'));
    try {
      await postprocessRoot(
        {
          treefile,
          treefileJson: `${JSON.stringify(document, null, 2)}\n`,
          timestamp,
          scratch,
          env: context.env,
          ...(version === undefined ? {} : { version }),
        },
        resolve(context.cwd, root!),
      );
    } finally {
      removeTree(scratch);
    }
    return 0;
  },
};
