import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import { engineSignCommit, Repo } from '@coppice/ostree';
import {
  commitRoot,
  diffManifests,
  encapsulate,
  formatManifestDiff,
  openImage,
  type PlainImage,
  readPlainImage,
  rpmOstreeLevel,
  typeTreefile,
  writeImage,
} from '@coppice/rpm-ostree';
import { signEngine } from '@coppice/signing';
import {
  encapsulateOptions,
  formatOption,
  type ImagePlace,
  imageAccess,
  imageOptions,
  manifestOf,
  parseTarget,
  previousManifest,
  previousManifestOption,
  usableManifest,
} from './compose-image-options.ts';
import { composeTime } from './compose-tree.ts';
import { verbOptions } from './options.ts';
import { transactionText } from './transaction-text.ts';
import type { Verb, VerbCall } from './verb.ts';

/** The transports of which an image is taken as named; anything else is a name in the engine's storage. */
const transports = /^(registry|docker|oci|oci-archive|dir|containers-storage):/;

function sourceImage(text: string): ImagePlace {
  return transports.test(text) ? parseTarget(text) : { transport: 'containers-storage', name: text };
}

/** Where everything comes from, checked before anything is done. */
function sourceOf(call: VerbCall): { readonly root: string } | { readonly image: ImagePlace } {
  const { options, context } = call;
  const root = options.string('rootfs');
  const from = options.string('from');
  if (root !== undefined && from !== undefined) call.usageError("the argument '--rootfs' cannot be used with '--from'");
  if (from !== undefined) return { image: sourceImage(from) };
  if (root === undefined) call.usageError('--rootfs or --from must be specified');
  const path = resolve(context.cwd, root!);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new CoppiceError('NotFound', `--rootfs=${root}: not a directory`);
  return { root: path };
}

function signingKeys(call: VerbCall): readonly string[] {
  const file = call.options.string('sign-commit');
  if (file === undefined) return [];
  let text: string;
  try {
    text = readFileSync(resolve(call.context.cwd, file), 'utf8');
  } catch (error) {
    throw errnoError(error, `Opening ${file}`);
  }
  const keys = signEngine('ed25519', call.context.env).keysInFile(text);
  if (keys.length === 0) throw new CoppiceError('Invalid', `${file}: no key`);
  return keys;
}

/** Seconds since the epoch: SOURCE_DATE_EPOCH, else when the image or the root directory was made. */
function creationTime(call: VerbCall, image: PlainImage | undefined, root: string | undefined): number {
  if (call.context.env['SOURCE_DATE_EPOCH'] !== undefined) return composeTime(call);
  const created = Date.parse(image?.config.created ?? '');
  if (image !== undefined) return Number.isNaN(created) || created < 0 ? 0 : Math.floor(created / 1000);
  return Math.floor(statSync(root!).mtimeMs / 1000);
}

export const verb: Verb = {
  summary: 'Generate a "chunked" OCI image from a root file system or another image',
  options: verbOptions(
    [
      { long: 'rootfs', arg: 'ROOTFS', help: 'Path to the source root filesystem tree' },
      { long: 'from', arg: 'IMAGE', help: 'Use the provided image (in containers-storage)' },
      { long: 'bootc', help: 'Configure the output OCI image to be a bootc container; required' },
      formatOption,
      { long: 'reference', arg: 'TAG', help: 'Tag to use for output image' },
      { long: 'output', arg: 'IMGREF', help: 'Output image reference, in TRANSPORT:TARGET syntax' },
      ...imageOptions,
      { long: 'previous-build', arg: 'IMGREF', help: 'Keep the packing structure of this image' },
      previousManifestOption,
      { long: 'sign-commit', arg: 'KEYFILE', help: 'Sign the commit in the image with the ed25519 key in this file' },
    ],
    { daemon: false },
  ),
  async run(call) {
    const { options, context } = call;
    if (options.operands.length > 0) call.usageError(`unexpected argument '${options.operands[0]}' found`);
    const source = sourceOf(call);
    const output = options.string('output');
    if (output === undefined) call.usageError('--output must be specified');
    if (!options.flag('bootc')) call.usageError('--bootc must be specified');
    if (options.has('previous-build') && options.has('previous-build-manifest'))
      call.usageError("the argument '--previous-build' cannot be used with '--previous-build-manifest'");
    const place = parseTarget(output!);
    const shared = encapsulateOptions(call);
    const keys = signingKeys(call);
    const access = imageAccess(call);
    const named = options.string('previous-build');
    const previous =
      previousManifest(call) ??
      (named === undefined
        ? await usableManifest(place, access, shared.maxLayers)
        : await manifestOf(parseTarget(named), access));
    const work = mkdtempSync(join(tmpdir(), 'chunked-oci-'));
    try {
      const mode = process.getuid?.() === 0 ? 'bare' : 'bare-user';
      const repo = Repo.create(join(work, 'repo'), { mode, env: context.env });
      let image: PlainImage | undefined;
      if ('image' in source) {
        const scratch = join(work, 'source');
        const opened = openImage(source.image, scratch, access);
        image = await readPlainImage(repo, opened.store, opened.reference, scratch);
      }
      const root = 'root' in source ? source.root : undefined;
      const text = transactionText(context, rpmOstreeLevel(context.env), options.flag('quiet'));
      text.line('Generating commit...');
      const commit = await commitRoot(
        {
          repo,
          treefile: typeTreefile({}),
          timestamp: creationTime(call, image, root),
          scratch: join(work, 'scratch'),
          env: context.env,
          ref: null,
          container: true,
        },
        image?.tree ?? root!,
      );
      for (const key of keys) engineSignCommit(repo, commit, signEngine('ed25519', context.env), key);
      const base = image?.config.config as Record<string, unknown> | undefined;
      const result = await writeImage(
        place,
        join(work, 'image'),
        (target, reference) =>
          encapsulate({
            repo,
            commit,
            target,
            reference: options.string('reference') ?? reference,
            ...shared,
            labels: { 'containers.bootc': '1', ...shared.labels },
            progress: text.progress,
            ...(previous === undefined ? {} : { previous }),
            ...(shared.imageConfig !== undefined
              ? {}
              : base !== undefined
                ? { imageConfig: base }
                : { cmd: ['/sbin/init'] }),
          }),
        access,
      );
      if (previous !== undefined) context.stdout.write(formatManifestDiff(diffManifests(previous, result.manifest)));
      text.line(`Pushed digest: ${result.digest}`);
    } finally {
      removeTree(work);
    }
    return 0;
  },
};
