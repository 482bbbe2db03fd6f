// What a signature says (containers-signature(5), which sigstore uses too): this manifest is that reference.
import { CoppiceError, messageOf } from '@coppice/base';

export interface SignedClaim {
  readonly digest: string;
  readonly reference: string;
}

export const simpleSigningType = 'atomic container signature';
export const sigstoreType = 'cosign container image signature';

function member(from: unknown, key: string): unknown {
  if (from === null || typeof from !== 'object' || Array.isArray(from))
    throw new CoppiceError('Signature', `signature payload: no object around "${key}"`);
  return (from as Record<string, unknown>)[key];
}

function only(from: unknown, keys: readonly string[], where: string): void {
  for (const key of Object.keys(from as object))
    if (!keys.includes(key)) throw new CoppiceError('Signature', `signature payload: unknown ${where} "${key}"`);
}

function string(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new CoppiceError('Signature', `signature payload: no ${what}`);
  return value;
}

/** Reads a payload whose signature was verified. Critical members nobody knows are refused. Throws `Signature`. */
export function parseClaim(bytes: Uint8Array, type: string): SignedClaim {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw new CoppiceError('Signature', `signature payload: ${messageOf(error)}`, { cause: error });
  }
  const critical = member(document, 'critical');
  const found = string(member(critical, 'type'), 'type');
  if (found !== type) throw new CoppiceError('Signature', `signature payload: unrecognized type ${found}`);
  const image = member(critical, 'image');
  const identity = member(critical, 'identity');
  const claim = {
    digest: string(member(image, 'docker-manifest-digest'), 'digest'),
    reference: string(member(identity, 'docker-reference'), 'reference'),
  };
  only(document, ['critical', 'optional'], 'member');
  only(critical, ['type', 'image', 'identity'], 'critical member');
  only(image, ['docker-manifest-digest'], 'image member');
  only(identity, ['docker-reference'], 'identity member');
  return claim;
}
