// What the verbs that write images share: where an image is, what goes into its configuration, and an earlier build of it.
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CoppiceError, errnoError, messageOf } from '@coppice/base';
import { readFile, removeTree } from '@coppice/linux';
import { documentLimit, type Manifest, parseManifest, resolveManifest } from '@coppice/oci';
import {
  componentsOfManifest,
  defaultLayers,
  type EncapsulateOptions,
  openImage,
  parseContainerReference,
  type RegistryAccess,
  userAccess,
} from '@coppice/rpm-ostree';
import type { GOption } from '../cli/goption.ts';
import type { VerbCall } from './verb.ts';

export const imageOptions: readonly GOption[] = [
  { long: 'label', short: 'l', arg: 'KEY=VALUE', type: 'strings', help: 'Additional labels for the container' },
  { long: 'image-config', arg: 'FILE', help: 'Path to container image configuration in JSON format' },
  { long: 'max-layers', arg: 'N', type: 'int', help: 'Maximum number of container image layers' },
  { long: 'authfile', arg: 'FILE', help: 'Container authentication file' },
];

export const formatOption: GOption = {
  long: 'format-version',
  arg: 'N',
  type: 'int',
  help: 'The encapsulated container format version; must be 1 or 2',
};

export const previousManifestOption: GOption = {
  long: 'previous-build-manifest',
  arg: 'FILE',
  help: 'Prevent a change in packing structure by taking a previous build metadata (manifest)',
};

export interface ImagePlace {
  readonly transport: string;
  readonly name: string;
}

/** `registry:HOST/IMAGE:TAG`, `docker://HOST/IMAGE:TAG`, `oci:PATH[:TAG]`, `oci-archive:PATH[:TAG]`, `dir:PATH` or `containers-storage:NAME`. */
export function parseTarget(text: string): ImagePlace {
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

export function imageAccess({ options, context }: VerbCall): RegistryAccess {
  const file = options.string('authfile');
  if (file === undefined) return userAccess(context.env);
  const path = resolve(context.cwd, file);
  // A file that was named and is not there is no reason to take another.
  readText(path);
  return userAccess(context.env, path);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw errnoError(error, `Opening ${path}`);
  }
}

function imageConfig(call: VerbCall): Record<string, unknown> | undefined {
  const file = call.options.string('image-config');
  if (file === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(readText(resolve(call.context.cwd, file)));
  } catch (error) {
    throw new CoppiceError('Invalid', `Parsing ${file}: ${messageOf(error).split('\n')[0]}`);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new CoppiceError('Invalid', `Parsing ${file}: expected an object`);
  const labels = (value as { Labels?: unknown }).Labels;
  if (
    labels !== undefined &&
    (labels === null || typeof labels !== 'object' || !Object.values(labels).every((v) => typeof v === 'string'))
  )
    throw new CoppiceError('Invalid', `Parsing ${file}: Labels: expected a map of strings`);
  return value as Record<string, unknown>;
}

/** The options of `encapsulate` that the command line gives. Throws `Usage`, `Invalid`. */
export function encapsulateOptions(
  call: VerbCall,
): Pick<EncapsulateOptions, 'labels' | 'imageConfig' | 'maxLayers' | 'formatVersion'> {
  const { options } = call;
  const maxLayers = options.number('max-layers');
  if (maxLayers !== undefined && maxLayers < 4)
    throw new CoppiceError('Usage', `Invalid value '${maxLayers}' for '--max-layers': at least 4 are needed`);
  const version = options.number('format-version') ?? 1;
  if (version !== 1 && version !== 2)
    throw new CoppiceError('Usage', `Invalid value '${version}' for '--format-version': must be 1 or 2`);
  const config = imageConfig(call);
  return {
    labels: labelsOf(options.strings('label')),
    formatVersion: version,
    ...(maxLayers === undefined ? {} : { maxLayers }),
    ...(config === undefined ? {} : { imageConfig: config }),
  };
}

/** The manifest of an image. Throws `NotFound`, `Network`. */
export async function manifestOf(place: ImagePlace, access: RegistryAccess): Promise<Manifest> {
  const scratch = mkdtempSync(join(tmpdir(), 'rpm-ostree-image-'));
  try {
    const { store, reference } = openImage(place, scratch, access);
    return (await resolveManifest(store, reference)).manifest;
  } finally {
    removeTree(scratch);
  }
}

/** The manifest in the file of --previous-build-manifest. Throws `Invalid`, naming the file. */
export function previousManifest(call: VerbCall): Manifest | undefined {
  const file = call.options.string('previous-build-manifest');
  if (file === undefined) return undefined;
  const fail = (why: string): never => {
    throw new CoppiceError('Invalid', `Failed to read previous manifest ${file}: ${why}`);
  };
  let parsed: ReturnType<typeof parseManifest>;
  try {
    parsed = parseManifest(readFile(resolve(call.context.cwd, file), { limit: documentLimit }));
  } catch (error) {
    return fail(messageOf(error));
  }
  return parsed.kind === 'manifest' ? parsed.manifest : fail('not the manifest of one image');
}

/** The manifest of an image that may not be there, or may not be one of ours; only one that can be built on counts. */
export async function usableManifest(
  place: ImagePlace,
  access: RegistryAccess,
  maxLayers = defaultLayers,
): Promise<Manifest | undefined> {
  try {
    const manifest = await manifestOf(place, access);
    const bins = componentsOfManifest(manifest);
    return bins.length > 0 && bins.length <= maxLayers ? manifest : undefined;
  } catch (error) {
    if (error instanceof CoppiceError) return undefined;
    throw error;
  }
}
