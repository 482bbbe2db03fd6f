import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { encapsulate, openImage, parseContainerReference } from '@coppice/rpm-ostree';
import { withComposedTree } from './compose-run.ts';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  params: 'MANIFEST OUTPUT',
  summary: 'Generate a "chunked" OCI image from an input manifest',
  options: verbOptions(
    [
      { long: 'cachedir', arg: 'CACHEDIR', help: 'Directory to use for caching downloaded packages and other data' },
      { long: 'cache-only', help: 'Assume cache is present, do not attempt to update it' },
      { long: 'lockfile', arg: 'FILE', type: 'strings', help: 'Lockfile with exact package versions' },
      { long: 'format', arg: 'FORMAT', help: 'Output format: oci (default) or registry' },
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
    const format = options.string('format') ?? 'oci';
    if (format !== 'oci' && format !== 'registry')
      throw new CoppiceError('Unsupported', `not built yet: image format ${format}`);
    const target =
      format === 'oci'
        ? { transport: 'oci', name: resolve(context.cwd, output!) }
        : parseContainerReference(`ostree-unverified-registry:${output!}`)!;
    const labels = Object.fromEntries(
      options.strings('label').map((l) => [l.slice(0, l.indexOf('=')), l.slice(l.indexOf('=') + 1)]),
    );
    const { store, reference } = openImage(target, true);
    const digest = await withComposedTree(call, async ({ repo, commit, cmd }) => {
      const image = await encapsulate({
        repo,
        commit,
        target: store,
        reference,
        labels,
        ...(cmd.length === 0 ? {} : { cmd }),
        ...(options.number('max-layers') === undefined ? {} : { maxLayers: options.number('max-layers')! }),
      });
      return image.digest;
    });
    context.stdout.write(`Pushed digest: ${digest}\n`);
    return 0;
  },
};
