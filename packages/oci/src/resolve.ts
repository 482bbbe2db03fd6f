// From a reference to the documents of one image, each as long as was said and with the digest it was asked for by.
import { CoppiceError } from '@coppice/base';
import { digestOf } from './digest.ts';
import {
  chooseManifest,
  type Descriptor,
  documentLimit,
  type ImageConfig,
  type Manifest,
  parseImageConfig,
  parseManifest,
} from './manifest.ts';
import type { ImageSource } from './source.ts';

export interface ResolvedManifest {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
  readonly digest: string;
}

/** The manifest of an image, of an index that for this machine. Throws `NotFound`, `Invalid`, `Corrupt`. */
export async function resolveManifest(source: ImageSource, reference: string): Promise<ResolvedManifest> {
  const first = await source.manifest(reference);
  const parsed = parseManifest(first.bytes);
  if (parsed.kind === 'manifest') return { ...first, manifest: parsed.manifest };
  const chosen = chooseManifest(parsed.index);
  const inner = await source.manifest(chosen.digest);
  if (inner.bytes.length !== chosen.size)
    throw new CoppiceError(
      'Corrupt',
      `manifest ${chosen.digest}: ${inner.bytes.length} bytes, but its index says ${chosen.size}`,
    );
  const found = parseManifest(inner.bytes);
  if (found.kind !== 'manifest') throw new CoppiceError('Invalid', 'index within an index');
  return { ...inner, manifest: found.manifest };
}

/** A blob that is a document. Throws `Limit` for one too large to be, `Corrupt` for other bytes than were named. */
async function readDocument(source: ImageSource, { digest, size }: Descriptor): Promise<Uint8Array> {
  if (size > documentLimit) throw new CoppiceError('Limit', `blob ${digest}: larger than ${documentLimit} bytes`);
  const parts: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of source.blob({ mediaType: '', digest, size })) {
    received += chunk.length;
    if (received > size) throw new CoppiceError('Corrupt', `blob ${digest}: longer than ${size} bytes`);
    parts.push(chunk);
  }
  const bytes = Buffer.concat(parts);
  if (received !== size || digestOf(bytes) !== digest)
    throw new CoppiceError('Corrupt', `blob ${digest}: content does not match`);
  return bytes;
}

/** The configuration of an image. Throws `Invalid`, `Limit`, `Corrupt`. */
export async function readImageConfig(source: ImageSource, { config }: Manifest): Promise<ImageConfig> {
  return parseImageConfig(await readDocument(source, config));
}
