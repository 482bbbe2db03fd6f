// The promise of a transparency log (Rekor's signed entry timestamp) that a signature was entered at a time: the annotation
// `dev.sigstore.cosign/bundle`, checked without asking the log.
import { createHash, type KeyObject, verify } from 'node:crypto';
import { CoppiceError } from '@coppice/base';

type Members = Readonly<Record<string, unknown>>;

function fail(why: string): CoppiceError {
  return new CoppiceError('Signature', `Rekor bundle: ${why}`);
}

function members(value: unknown, what: string): Members {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw fail(`${what} is not an object`);
  return value as Members;
}

function parse(text: string, what: string): Members {
  try {
    return members(JSON.parse(text), what);
  } catch (error) {
    if (error instanceof CoppiceError) throw error;
    throw fail(`${what} is not JSON`);
  }
}

function string(from: Members, key: string): string {
  const value = from[key];
  if (typeof value !== 'string') throw fail(`no "${key}"`);
  return value;
}

function integer(from: Members, key: string): number {
  const value = from[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw fail(`no "${key}"`);
  return value;
}

const pemBody = (text: string): string => text.replaceAll('\r\n', '\n').trim();

/** What a bundle must be about. */
export interface LoggedSignature {
  /** PEM of the key or certificate that made the signature. */
  readonly signer: string;
  readonly signature: Uint8Array;
  readonly payload: Uint8Array;
}

/** The time of the entry in milliseconds, once a key of the log signed it and it is about `logged`. Throws `Signature`. */
export function verifyRekorBundle(bundle: string, keys: readonly KeyObject[], logged: LoggedSignature): number {
  const top = parse(bundle, 'bundle');
  const entry = members(top['Payload'], 'Payload');
  const known = { body: string(entry, 'body'), integratedTime: integer(entry, 'integratedTime') };
  // The canonical form (RFC 8785) of what the log signs: members by name, no blanks.
  const canonical = JSON.stringify({ ...known, logID: string(entry, 'logID'), logIndex: integer(entry, 'logIndex') });
  const promise = Buffer.from(string(top, 'SignedEntryTimestamp'), 'base64');
  if (!keys.some((key) => key.asymmetricKeyType === 'ec' && verify('sha256', Buffer.from(canonical), key, promise)))
    throw fail('cryptographic signature verification of the entry failed');
  const body = parse(Buffer.from(known.body, 'base64').toString(), 'body');
  if (body['kind'] !== 'hashedrekord' || body['apiVersion'] !== '0.0.1')
    throw fail(`unknown kind of entry ${JSON.stringify(body['kind'])} ${JSON.stringify(body['apiVersion'])}`);
  const spec = members(body['spec'], 'spec');
  const signature = members(spec['signature'], 'signature');
  const signer = Buffer.from(string(members(signature['publicKey'], 'publicKey'), 'content'), 'base64').toString();
  if (pemBody(signer) !== pemBody(logged.signer)) throw fail('the entry is about another key');
  if (!Buffer.from(string(signature, 'content'), 'base64').equals(logged.signature))
    throw fail('the entry is about another signature');
  const hash = members(members(spec['data'], 'data')['hash'], 'hash');
  const digest = createHash('sha256').update(logged.payload).digest('hex');
  if (hash['algorithm'] !== 'sha256' || hash['value'] !== digest) throw fail('the entry is about another payload');
  return known.integratedTime * 1000;
}
