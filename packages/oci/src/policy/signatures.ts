// Signatures of an image, fetched from where its registry's configuration says they are.
import { CoppiceError } from '@coppice/base';
import { Fetcher } from '@coppice/http';
import { type Keyring, openSignedMessage, verify } from '@coppice/signing';
import { type Descriptor, parseManifest } from '../manifest.ts';
import type { ImageReference } from '../reference.ts';
import type { ImageSource } from '../source.ts';
import { parseClaim, type SignedClaim, simpleSigningType } from './payload.ts';
import { lookasideUrl, type SignatureStorage, usesAttachments } from './registries-d.ts';

const signatureLimit = 4 * 1024 * 1024;
/** More signatures than this on one image are an attack. */
const countLimit = 128;
/** Bytes of all signatures of one image. */
const totalLimit = 16 * 1024 * 1024;
const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json';
const signatureAnnotation = 'dev.cosignproject.cosign/signature';
const certificateAnnotation = 'dev.sigstore.cosign/certificate';
const chainAnnotation = 'dev.sigstore.cosign/chain';
const bundleAnnotation = 'dev.sigstore.cosign/bundle';

export interface SigstoreSignature {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** PEM of the signer's certificate and of those between it and an authority. */
  readonly certificate: string | undefined;
  readonly chain: string | undefined;
  /** The promise of a transparency log, as JSON. */
  readonly bundle: string | undefined;
}

/** Simple signatures of a manifest from its lookaside directory: `signature-1` and so on until one is missing. */
export async function fetchSimpleSignatures(
  storage: SignatureStorage,
  image: ImageReference,
  digest: string,
): Promise<Uint8Array[]> {
  const base = lookasideUrl(storage, image, digest);
  const out: Uint8Array[] = [];
  if (base === undefined) return out;
  const fetcher = new Fetcher({ retries: 2 });
  let total = 0;
  try {
    for (let i = 1; ; i++) {
      if (i > countLimit) throw new CoppiceError('Limit', `${base}: more than ${countLimit} signatures`);
      const { bytes } = await fetcher.bytes(`${base}/signature-${i}`, { maxSize: signatureLimit });
      total += bytes.length;
      if (total > totalLimit) throw new CoppiceError('Limit', `${base}: signatures of more than ${totalLimit} bytes`);
      out.push(bytes);
    }
  } catch (error) {
    if (error instanceof CoppiceError && error.code === 'NotFound') return out;
    throw error;
  } finally {
    await fetcher.close();
  }
}

async function payloadOf(source: ImageSource, layer: Descriptor): Promise<Uint8Array> {
  if (layer.size > signatureLimit) throw new CoppiceError('Limit', `signature ${layer.digest}: ${layer.size} bytes`);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source.blob(layer)) {
    size += chunk.length;
    if (size > layer.size)
      throw new CoppiceError('Corrupt', `signature ${layer.digest}: longer than ${layer.size} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** Sigstore signatures of a manifest: layers of the image tagged `sha256-HEX.sig` beside it. */
export async function fetchSigstoreSignatures(
  storage: SignatureStorage,
  image: ImageReference,
  digest: string,
  source: ImageSource,
): Promise<SigstoreSignature[]> {
  if (!usesAttachments(storage, image)) return [];
  let bytes: Uint8Array;
  try {
    ({ bytes } = await source.manifest(`${digest.replace(':', '-')}.sig`));
  } catch (error) {
    if (error instanceof CoppiceError && error.code === 'NotFound') return [];
    throw error;
  }
  const parsed = parseManifest(bytes);
  if (parsed.kind !== 'manifest') return [];
  const layers = parsed.manifest.layers.filter((l) => l.mediaType === payloadType);
  if (layers.length > countLimit) throw new CoppiceError('Limit', `more than ${countLimit} signatures on ${digest}`);
  const out: SigstoreSignature[] = [];
  for (const layer of layers) {
    const text = layer.annotations?.[signatureAnnotation];
    if (text === undefined) continue;
    out.push({
      payload: await payloadOf(source, layer),
      signature: Buffer.from(text, 'base64'),
      certificate: layer.annotations?.[certificateAnnotation],
      chain: layer.annotations?.[chainAnnotation],
      bundle: layer.annotations?.[bundleAnnotation],
    });
  }
  return out;
}

/** What a simple signature says, once a key of the ring made it. Throws `Signature`, `Corrupt`. */
export function verifySimpleSignature(bytes: Uint8Array, ring: Keyring): SignedClaim {
  const { signatures, data } = openSignedMessage(bytes, signatureLimit);
  const results = verify(signatures, ring, data);
  // Exactly one, as the format demands: with several, one good signature would vouch for a stranger's.
  const [result] = results;
  if (results.length !== 1 || result === undefined)
    throw new CoppiceError('Signature', `Invalid GPG signature: ${results.length} signatures in one message`);
  if (result.keyMissing)
    throw new CoppiceError(
      'Signature',
      `Invalid GPG signature: key ${result.fingerprint} is not accepted by the policy`,
    );
  if (!result.valid) {
    const why = result.bad
      ? 'it does not match'
      : result.keyRevoked
        ? 'its key is revoked'
        : result.keyExpired
          ? 'its key has expired'
          : 'it has expired';
    throw new CoppiceError('Signature', `Invalid GPG signature: ${why} (key ${result.fingerprint})`);
  }
  return parseClaim(data, simpleSigningType);
}
