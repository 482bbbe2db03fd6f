import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { encapsulate, parseContainerReference, userAccess, writeImage } from '@coppice/rpm-ostree';
import { labelsOf } from './compose-container-encapsulate.ts';
import { withComposedTree } from './compose-run.ts';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

/** Output formats and the transports that write them. */
const formats: ReadonlyMap<string, string> = new Map([
  ['ociarchive', 'oci-archive'],
  ['oci', 'oci'],
  ['registry', 'registry'],
]);

export const verb: Verb = {
  params: 'MANIFEST OUTPUT',
  summary: 'Generate a "chunked" OCI image from an input manifest',
  options: verbOptions(
    [
      { long: 'cachedir', arg: 'CACHEDIR', help: 'Directory to use for caching downloaded packages and other data' },
      { long: 'cache-only', help: 'Assume cache is present, do not attempt to update it' },
      { long: 'lockfile', arg: 'FILE', type: 'strings', help: 'Lockfile with exact package versions' },
      { long: 'format', arg: 'FORMAT', help: 'Output format: ociarchive (default), oci or registry' },
      { long: 'label', arg: 'KEY=VALUE', type: 'strings', help: 'Additional labels for the container' },
      { long: 'max-layers', arg: 'N', type: 'int', help: 'Maximum number of layers to use; default 64' },
      { long: 'initialize', help: 'Do not query previous image in target location' },
      { long: 'initialize-mode', arg: 'MODE', help: 'query, always, never or if-not-exists' },
    ],
    { daemon: false },
  ),
  async run(call) {
    const { options, context } = call;
    const [, output] = options.operands;
    if (output === undefined) call.usageError('OUTPUT must be specified');
    const format = options.string('format') ?? 'ociarchive';
    const transport = formats.get(format);
    if (transport === undefined)
      call.usageError(`Invalid value '${format}' for '--format': use ${[...formats.keys()].join(', ')}`);
    const target =
      transport === 'registry'
        ? parseContainerReference(`ostree-unverified-registry:${output!}`)
        : { transport: transport!, name: resolve(context.cwd, output!) };
    if (target === undefined || !('transport' in target)) throw new CoppiceError('Usage', `Invalid output: ${output!}`);
    const labels = labelsOf(options.strings('label'));
    const digest = await withComposedTree(call, async ({ repo, commit, cmd }) => {
      const image = await writeImage(
        target,
        `${repo.path}/tmp/image`,
        (store, reference) =>
          encapsulate({
            repo,
            commit,
            target: store,
            reference,
            labels,
            ...(cmd.length === 0 ? {} : { cmd }),
            ...(options.number('max-layers') === undefined ? {} : { maxLayers: options.number('max-layers')! }),
          }),
        userAccess(context.env),
      );
      return image.digest;
    });
    context.stdout.write(`Pushed digest: ${digest}\n`);
    return 0;
  },
};
