import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { replaceFile } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import {
  type ComponentFacts,
  contentMetadata,
  diffManifests,
  encapsulate,
  formatManifestDiff,
  rpmOstreeLevel,
  writeImage,
} from '@coppice/rpm-ostree';
import {
  encapsulateOptions,
  formatOption,
  imageAccess,
  imageOptions,
  manifestOf,
  parseTarget,
  previousManifest,
  previousManifestOption,
} from './compose-image-options.ts';
import { outputPath } from './compose-output.ts';
import { verbOptions } from './options.ts';
import { transactionText } from './transaction-text.ts';
import type { Verb } from './verb.ts';

/** What the original tells about the packages before it writes the image. */
function factLines(facts: ComponentFacts): string[] {
  return [
    `${facts.objects} objects in ${facts.packages} packages (${facts.sources} source)`,
    `rpm size: ${facts.rpmSize}`,
    ...(facts.earliest === undefined
      ? []
      : [
          `Earliest changed package: ${facts.earliest.title} at ${new Date(facts.earliest.time * 1000)
            .toISOString()
            .replace('T', ' ')
            .replace(/\.\d+Z$/, ' UTC')}`,
        ]),
    `${facts.duplicates} duplicates`,
    ...(facts.multipleOwners.length === 0 ? [] : ['Multiple owners:', ...facts.multipleOwners.map((p) => `  ${p}`)]),
  ];
}

export const verb: Verb = {
  params: 'OSTREE_REF IMGREF',
  summary: 'Generate a reproducible "chunked" container image (using RPM data) from an OSTree commit',
  options: verbOptions(
    [
      { long: 'repo', arg: 'REPO', help: 'OSTree repository' },
      ...imageOptions,
      {
        long: 'copymeta',
        arg: 'KEY',
        type: 'strings',
        help: 'Propagate an OSTree commit metadata key to container label',
      },
      {
        long: 'copymeta-opt',
        arg: 'KEY',
        type: 'strings',
        help: 'Propagate an optionally-present OSTree commit metadata key to container label',
      },
      { long: 'arch', arg: 'ARCH', help: 'Override the architecture' },
      { long: 'cmd', arg: 'CMD', type: 'strings', help: 'Corresponds to the Dockerfile CMD instruction' },
      formatOption,
      { long: 'write-contentmeta-json', arg: 'FILE', help: 'Output content metadata as JSON' },
      { long: 'compare-with-build', arg: 'IMGREF', help: 'Compare OCI layers of current build with another' },
      previousManifestOption,
    ],
    { daemon: false },
  ),
  async run(call) {
    const { options, context } = call;
    const [rev, imgref, ...rest] = options.operands;
    if (rev === undefined || imgref === undefined) call.usageError('OSTREE_REF and IMGREF must be specified');
    if (rest.length > 0) call.usageError(`unexpected argument '${rest[0]}' found`);
    const path = options.string('repo');
    if (path === undefined) throw new CoppiceError('Usage', '--repo must be specified');
    const shared = encapsulateOptions(call);
    const place = parseTarget(imgref!);
    const compareWith = options.string('compare-with-build');
    const other = compareWith === undefined ? undefined : parseTarget(compareWith);
    const previous = previousManifest(call);
    const meta = outputPath(call, 'write-contentmeta-json');
    const access = imageAccess(call);
    const repo = Repo.open(resolve(context.cwd, path), { env: context.env });
    const commit = repo.resolveRev(rev!);
    // Before anything is written, since it may be the image that is replaced.
    const old = other === undefined ? undefined : await manifestOf(other, access);
    const text = transactionText(context, rpmOstreeLevel(context.env), options.flag('quiet'));
    const cmd = options.strings('cmd');
    const architecture = options.string('arch');
    if (architecture === '') throw new CoppiceError('Usage', "Invalid value '' for '--arch'");
    const result = await writeImage(
      place,
      `${repo.path}/tmp/image-${process.pid}`,
      (target, reference) =>
        encapsulate({
          repo,
          commit,
          target,
          reference,
          ...shared,
          copyMetadata: options.strings('copymeta'),
          copyOptional: options.strings('copymeta-opt'),
          progress: text.progress,
          ...(previous === undefined ? {} : { previous }),
          ...(cmd.length === 0 ? {} : { cmd }),
          ...(architecture === undefined ? {} : { architecture }),
        }),
      access,
    );
    if (meta !== undefined) replaceFile(meta, Buffer.from(contentMetadata(result.components)));
    for (const line of factLines(result.facts)) text.line(line);
    if (old !== undefined) context.stdout.write(formatManifestDiff(diffManifests(old, result.manifest)));
    text.line(`Pushed digest: ${result.digest}`);
    return 0;
  },
};
