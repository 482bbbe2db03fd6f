import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { Repo } from '@coppice/ostree';
import { encapsulate, parseContainerReference, rpmOstreeLevel, userAccess, writeImage } from '@coppice/rpm-ostree';
import { verbOptions } from './options.ts';
import { transactionText } from './transaction-text.ts';
import type { Verb } from './verb.ts';

/** `registry:HOST/IMAGE:TAG`, `docker://HOST/IMAGE:TAG`, `oci:PATH[:TAG]`, `oci-archive:PATH[:TAG]` or `dir:PATH`. */
export function parseTarget(text: string): { readonly transport: string; readonly name: string } {
  const parsed = parseContainerReference(`ostree-unverified-image:${text}`);
  if (parsed === undefined) throw new CoppiceError('Usage', `Invalid image reference: ${text}`);
  return parsed;
}

/** `KEY=VALUE` pairs. Throws `Usage`. */
export function labelsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 0) throw new CoppiceError('Usage', `Missing '=' in label ${pair}`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

export const verb: Verb = {
  params: 'OSTREE_REF IMGREF',
  summary: 'Generate a reproducible "chunked" container image (using RPM data) from an OSTree commit',
  options: verbOptions(
    [
      { long: 'repo', arg: 'REPO', help: 'OSTree repository' },
      { long: 'label', arg: 'KEY=VALUE', type: 'strings', help: 'Additional labels for the container' },
      {
        long: 'copymeta',
        arg: 'KEY',
        type: 'strings',
        help: 'Propagate an OSTree commit metadata key to container label',
      },
      { long: 'max-layers', arg: 'N', type: 'int', help: 'Maximum number of container image layers' },
      {
        long: 'format-version',
        arg: 'N',
        type: 'int',
        help: 'The encapsulated container format version; must be 1 or 2',
      },
      { long: 'write-contentmeta-json', arg: 'FILE', help: 'Output content metadata as JSON' },
      { long: 'cmd', arg: 'CMD', help: 'Corresponds to the Dockerfile CMD instruction' },
    ],
    { daemon: false },
  ),
  async run(call) {
    const { options, context } = call;
    const [rev, imgref] = options.operands;
    if (rev === undefined || imgref === undefined) call.usageError('OSTREE_REF and IMGREF must be specified');
    const path = options.string('repo');
    if (path === undefined) throw new CoppiceError('Usage', '--repo must be specified');
    const repo = Repo.open(resolve(context.cwd, path), { env: context.env });
    const labels = labelsOf(options.strings('label'));
    const text = transactionText(context, rpmOstreeLevel(context.env), options.flag('quiet'));
    const cmd = options.string('cmd');
    const commit = repo.resolveRev(rev!);
    const result = await writeImage(
      parseTarget(imgref!),
      `${repo.path}/tmp/image-${process.pid}`,
      (target, reference) =>
        encapsulate({
          repo,
          commit,
          target,
          reference,
          labels,
          copyMetadata: options.strings('copymeta'),
          progress: text.progress,
          ...(options.number('max-layers') === undefined ? {} : { maxLayers: options.number('max-layers')! }),
          ...(cmd === undefined ? {} : { cmd: [cmd] }),
        }),
      userAccess(context.env),
    );
    const meta = options.string('write-contentmeta-json');
    if (meta !== undefined)
      writeFileSync(
        resolve(context.cwd, meta),
        `${JSON.stringify({ version: 1, layers: result.manifest.layers.map((l) => ({ digest: l.digest, size: l.size, components: l.annotations?.['ostree.components'] ?? '' })) }, null, 2)}\n`,
      );
    text.line(`Pushed digest: ${result.digest}`);
    return 0;
  },
};
