import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { removeTree } from '@coppice/linux';
import { loadTreefile, nextVersion, postprocessRoot, typeTreefile } from '@coppice/rpm-ostree';
import { composeArch, diskSource } from './compose-input.ts';
import { composeTime } from './compose-tree.ts';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  params: 'ROOTFS [TREEFILE]',
  summary: 'Perform final postprocessing on an installation root',
  options: verbOptions([{ long: 'unified-core', help: 'Use new "unified core" codepath' }], { daemon: false }),
  async run(call) {
    const { context, options } = call;
    const [root, file] = options.operands;
    if (root === undefined) call.usageError('ROOTFS must be specified');
    const document =
      file === undefined ? {} : loadTreefile(resolve(context.cwd, file), diskSource, composeArch).document;
    const treefile = typeTreefile(document);
    const timestamp = composeTime(call);
    const scratch = mkdtempSync(join(tmpdir(), 'rpm-ostree-postprocess-'));
    try {
      await postprocessRoot(
        {
          treefile,
          treefileJson: `${JSON.stringify(document, null, 2)}\n`,
          timestamp,
          scratch,
          env: context.env,
          ...(treefile.versionPrefix === undefined
            ? {}
            : {
                version: nextVersion(
                  treefile.versionPrefix,
                  treefile.versionSuffix,
                  undefined,
                  new Date(timestamp * 1000),
                ),
              }),
        },
        resolve(context.cwd, root!),
      );
    } finally {
      removeTree(scratch);
    }
    return 0;
  },
};
