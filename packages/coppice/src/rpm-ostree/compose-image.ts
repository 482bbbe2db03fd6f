import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CoppiceError, isCoppiceError } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import { type Manifest, resolveManifest } from '@coppice/oci';
import {
  componentsOfManifest,
  diffManifests,
  encapsulate,
  formatManifestDiff,
  imageLabels,
  openImage,
  parseContainerReference,
  type RegistryAccess,
  writeImage,
} from '@coppice/rpm-ostree';
import { encapsulateOptions, type ImagePlace, imageAccess, imageOptions } from './compose-image-options.ts';
import { outputPath, touch } from './compose-output.ts';
import { withComposedTree } from './compose-run.ts';
import { verbOptions } from './options.ts';
import type { Verb, VerbCall } from './verb.ts';

/** Output formats and the transports that write them. */
const formats: ReadonlyMap<string, string> = new Map([
  ['ociarchive', 'oci-archive'],
  ['oci', 'oci'],
  ['registry', 'registry'],
]);
const modes = ['query', 'always', 'never', 'if-not-exists'];

interface PreviousImage {
  readonly manifest: Manifest;
  readonly inputHash: string;
  readonly version: string | undefined;
}

function placeOf(call: VerbCall, output: string): ImagePlace {
  const format = call.options.string('format') ?? 'ociarchive';
  const transport = formats.get(format);
  if (transport === undefined)
    call.usageError(`Invalid value '${format}' for '--format': use ${[...formats.keys()].join(', ')}`);
  if (transport !== 'registry') return { transport: transport!, name: resolve(call.context.cwd, output) };
  const parsed = parseContainerReference(`ostree-unverified-registry:${output}`);
  if (parsed === undefined) throw new CoppiceError('Usage', `Invalid output: ${output}`);
  return parsed;
}

/** The image in the target, as --initialize-mode wants it. Throws `NotFound`, `Exists`. */
async function previousImage(
  call: VerbCall,
  place: ImagePlace,
  access: RegistryAccess,
): Promise<PreviousImage | undefined> {
  const { options } = call;
  if (options.flag('initialize') && options.has('initialize-mode'))
    call.usageError("the argument '--initialize' cannot be used with '--initialize-mode'");
  const mode = options.flag('initialize') ? 'always' : (options.string('initialize-mode') ?? 'query');
  if (!modes.includes(mode))
    call.usageError(`Invalid value '${mode}' for '--initialize-mode': use ${modes.join(', ')}`);
  if (mode === 'always') return undefined;
  const scratch = mkdtempSync(join(tmpdir(), 'rpm-ostree-image-'));
  try {
    const opened = openImage(place, scratch, access);
    const { manifest } = await resolveManifest(opened.store, opened.reference);
    if (mode === 'never') throw new CoppiceError('Exists', 'Target image already exists');
    const labels = await imageLabels(opened.store, manifest);
    const inputHash = labels['rpmostree.inputhash'];
    if (inputHash === undefined) throw new CoppiceError('Invalid', 'Missing config label rpmostree.inputhash');
    componentsOfManifest(manifest);
    return { manifest, inputHash, version: labels['org.opencontainers.image.version'] };
  } catch (error) {
    if (!(error instanceof CoppiceError) || error.code !== 'NotFound') throw error;
    if (mode !== 'query') return undefined;
    throw new CoppiceError('NotFound', `${error.message} (use --initialize for the first build)`, { cause: error });
  } finally {
    removeTree(scratch);
  }
}

/** Carries out what may fail on the way; layers that have arrived are not sent again. */
async function retrying<T>(times: number, body: () => Promise<T>): Promise<T> {
  for (let left = times; ; left--) {
    try {
      return await body();
    } catch (error) {
      if (left <= 0 || !isCoppiceError(error, 'Network')) throw error;
    }
  }
}

export const verb: Verb = {
  params: 'MANIFEST OUTPUT',
  summary: 'Generate a "chunked" OCI image from an input manifest',
  options: verbOptions(
    [
      { long: 'cachedir', arg: 'CACHEDIR', help: 'Directory to use for caching downloaded packages and other data' },
      { long: 'source-root', arg: 'DIR', help: 'Rootfs to use for resolving package system configuration' },
      {
        long: 'layer-repo',
        arg: 'REPO',
        help: 'OSTree repository to use for ostree-layers and ostree-override-layers',
      },
      { long: 'cache-only', help: 'Assume cache is present, do not attempt to update it' },
      { long: 'offline', help: 'Operate only on cached data, do not access network repositories' },
      { long: 'force-nocache', help: 'Force a build' },
      { long: 'lockfile', arg: 'FILE', type: 'strings', help: 'Lockfile with exact package versions' },
      { long: 'format', arg: 'FORMAT', help: 'Output format: ociarchive (default), oci or registry' },
      ...imageOptions,
      { long: 'touch-if-changed', arg: 'FILE', help: 'Update the timestamp or create this file on changes' },
      {
        long: 'copy-retry-times',
        arg: 'N',
        type: 'int',
        help: 'Number of times to retry copying an image to remote destination (e.g. registry)',
      },
      { long: 'initialize', short: 'i', help: 'Do not query previous image in target location; for the first build' },
      { long: 'initialize-mode', arg: 'MODE', help: 'query (default), always, never or if-not-exists' },
    ],
    { daemon: false },
  ),
  async run(call) {
    const { options, context } = call;
    const [, output, ...rest] = options.operands;
    if (output === undefined) call.usageError('OUTPUT must be specified');
    if (rest.length > 0) call.usageError(`unexpected argument '${rest[0]}' found`);
    const place = placeOf(call, output!);
    const shared = encapsulateOptions(call);
    const touchPath = outputPath(call, 'touch-if-changed');
    const access = imageAccess(call);
    const previous = await previousImage(call, place, access);
    const image = await withComposedTree(
      call,
      ({ repo, commit, cmd }) =>
        retrying(options.number('copy-retry-times') ?? 0, () =>
          writeImage(
            place,
            `${repo.path}/tmp/image`,
            (store, reference) =>
              encapsulate({
                repo,
                commit,
                target: store,
                reference,
                ...shared,
                ...(previous === undefined ? {} : { previous: previous.manifest }),
                ...(cmd.length === 0 ? {} : { cmd }),
              }),
            access,
          ),
        ),
      { inputHash: options.flag('force-nocache') ? undefined : previous?.inputHash, version: previous?.version },
    );
    if (image === undefined) return 0;
    if (touchPath !== undefined) touch(touchPath);
    context.stdout.write(`Pushed digest: ${image.digest}\n`);
    if (previous !== undefined)
      context.stdout.write(formatManifestDiff(diffManifests(previous.manifest, image.manifest)));
    context.stdout.write(`Wrote: ${place.transport}:${place.name}\n`);
    return 0;
  },
};
