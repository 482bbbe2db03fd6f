import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import { commitRoot, encapsulate, rpmOstreeLevel, typeTreefile, userAccess, writeImage } from '@coppice/rpm-ostree';
import { labelsOf, parseTarget } from './compose-container-encapsulate.ts';
import { composeTime } from './compose-tree.ts';
import { verbOptions } from './options.ts';
import { transactionText } from './transaction-text.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  summary: 'Generate a "chunked" OCI image from a root file system',
  options: verbOptions(
    [
      { long: 'rootfs', arg: 'ROOTFS', help: 'Path to the source root file system' },
      { long: 'from', arg: 'IMAGE', help: 'Image to take from the container storage' },
      {
        long: 'output',
        arg: 'IMGREF',
        help: 'Where the image goes: oci:PATH[:TAG], oci-archive:PATH[:TAG], dir:PATH or a registry',
      },
      { long: 'bootc', help: 'Make an image that bootc boots' },
      {
        long: 'format-version',
        arg: 'N',
        type: 'int',
        help: 'The encapsulated container format version; must be 1 or 2',
      },
      { long: 'max-layers', arg: 'N', type: 'int', help: 'Maximum number of container image layers' },
      { long: 'reference', arg: 'NAME', help: 'Tag to write in the output' },
      { long: 'label', arg: 'KEY=VALUE', type: 'strings', help: 'Additional labels for the container' },
    ],
    { daemon: false },
  ),
  async run(call) {
    const { options, context } = call;
    const root = options.string('rootfs');
    const output = options.string('output');
    if (options.string('from') !== undefined)
      throw new CoppiceError(
        'Unsupported',
        'not built yet: --from takes images out of a container engine; unpack it and give --rootfs',
      );
    if (root === undefined) call.usageError('--rootfs must be specified');
    if (output === undefined) call.usageError('--output must be specified');
    if (!options.flag('bootc')) call.usageError('--bootc must be specified');
    const path = resolve(context.cwd, root!);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new CoppiceError('NotFound', `--rootfs=${root}: not a directory`);
    const work = mkdtempSync(join(tmpdir(), 'chunked-oci-'));
    try {
      const mode = process.getuid?.() === 0 ? 'bare' : 'bare-user';
      const repo = Repo.create(join(work, 'repo'), { mode, env: context.env });
      const commit = await commitRoot(
        {
          repo,
          treefile: typeTreefile({}),
          timestamp: composeTime(call),
          scratch: join(work, 'scratch'),
          env: context.env,
          ref: null,
          container: true,
        },
        path,
      );
      const text = transactionText(context, rpmOstreeLevel(context.env), options.flag('quiet'));
      const image = parseTarget(output!);
      const maxLayers = options.number('max-layers');
      const result = await writeImage(
        image,
        join(work, 'image'),
        (target, reference) =>
          encapsulate({
            repo,
            commit,
            target,
            reference: options.string('reference') ?? reference,
            labels: labelsOf(options.strings('label')),
            cmd: ['/sbin/init'],
            progress: text.progress,
            ...(maxLayers === undefined ? {} : { maxLayers }),
          }),
        userAccess(context.env),
      );
      text.line(`Pushed digest: ${result.digest}`);
    } finally {
      removeTree(work);
    }
    return 0;
  },
};
