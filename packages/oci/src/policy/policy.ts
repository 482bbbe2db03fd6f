// containers-policy.json(5): which images may be used, and whose signature they need.
import { CoppiceError, messageOf } from '@coppice/base';
import type { ImageLocation } from './location.ts';
import { scopesOf } from './location.ts';

/** How the reference in a signature must relate to the image that is used. */
export type SignedIdentity =
  | { readonly type: 'matchExact' | 'matchRepoDigestOrExact' | 'matchRepository' }
  | { readonly type: 'exactReference'; readonly dockerReference: string }
  | { readonly type: 'exactRepository'; readonly dockerRepository: string }
  | { readonly type: 'remapIdentity'; readonly prefix: string; readonly signedPrefix: string };

/** Where keys come from: files on the machine, or the policy itself. */
export type KeySource = { readonly path: string } | { readonly data: Uint8Array };

/** Signers that show a certificate instead of having a key that is known. */
export type CertificateAuthority =
  | {
      readonly kind: 'fulcio';
      readonly roots: KeySource;
      readonly oidcIssuer: string;
      readonly subjectEmail: string;
    }
  | {
      readonly kind: 'pki';
      readonly roots: KeySource;
      readonly between: KeySource | undefined;
      readonly subjectEmail: string | undefined;
      readonly subjectHostname: string | undefined;
    };

export type PolicyRequirement =
  | { readonly type: 'insecureAcceptAnything' | 'reject' }
  | { readonly type: 'signedBy'; readonly keys: readonly KeySource[]; readonly signedIdentity: SignedIdentity }
  | {
      readonly type: 'sigstoreSigned';
      readonly signers: { readonly keys: readonly KeySource[] } | CertificateAuthority;
      /** Keys of the log that every signature must be in. */
      readonly rekorKeys: readonly KeySource[] | undefined;
      readonly signedIdentity: SignedIdentity;
    };

export interface Policy {
  readonly default: readonly PolicyRequirement[];
  /** Transport -> scope -> requirements; the scope `''` is the transport's default. */
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, readonly PolicyRequirement[]>>;
}

type Members = Readonly<Record<string, unknown>>;

function members(value: unknown, where: string, known: readonly string[] | undefined): Members {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new CoppiceError('Invalid', `${where}: not an object`);
  for (const key of Object.keys(value))
    if (known !== undefined && !known.includes(key))
      throw new CoppiceError('Invalid', `${where}: unknown key "${key}"`);
  return value as Members;
}

function text(from: Members, key: string, where: string): string {
  const value = from[key];
  if (typeof value !== 'string' || value === '') throw new CoppiceError('Invalid', `${where}: "${key}" is missing`);
  return value;
}

const identityMembers: Readonly<Record<SignedIdentity['type'], readonly string[]>> = {
  matchExact: [],
  matchRepoDigestOrExact: [],
  matchRepository: [],
  exactReference: ['dockerReference'],
  exactRepository: ['dockerRepository'],
  remapIdentity: ['prefix', 'signedPrefix'],
};

function identity(value: unknown, where: string): SignedIdentity {
  if (value === undefined) return { type: 'matchRepoDigestOrExact' };
  const from = members(value, where, undefined);
  const type = text(from, 'type', where);
  const wanted = Object.hasOwn(identityMembers, type) ? identityMembers[type as SignedIdentity['type']] : undefined;
  if (wanted === undefined) throw new CoppiceError('Invalid', `${where}: unknown type "${type}"`);
  members(value, where, ['type', ...wanted]);
  return { type, ...Object.fromEntries(wanted.map((key) => [key, text(from, key, where)])) } as SignedIdentity;
}

function base64(value: string, where: string): Uint8Array {
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value)) throw new CoppiceError('Invalid', `${where}: not base64`);
  return Buffer.from(value, 'base64');
}

/** Keys under the one member of `names` that is given. */
function keySources(from: Members, names: readonly string[], where: string): KeySource[] {
  const given = names.filter((key) => from[key] !== undefined);
  if (given.length !== 1)
    throw new CoppiceError(
      'Invalid',
      `${where}: exactly one of ${names
        .slice(0, 3)
        .join(', ')
        .replace(/, (?=[^,]*$)/, ' and ')} must be given`,
    );
  const key = given[0]!;
  const value = from[key];
  const list = key.endsWith('s') ? value : [value];
  if (!Array.isArray(list) || list.length === 0 || !list.every((item) => typeof item === 'string' && item !== ''))
    throw new CoppiceError('Invalid', `${where}: "${key}" is malformed`);
  return (list as string[]).map((item) =>
    /Paths?$/.test(key) ? { path: item } : { data: base64(item, `${where}: ${key}`) },
  );
}

/** A file or data given by `NAMEPath` or `NAMEData`; undefined when neither is. Throws `Invalid` when both are. */
function source(from: Members, name: string, where: string): KeySource | undefined {
  const [path, data] = [from[`${name}Path`], from[`${name}Data`]];
  if (path !== undefined && data !== undefined)
    throw new CoppiceError('Invalid', `${where}: ${name}Path and ${name}Data cannot be used simultaneously`);
  if (path !== undefined) return { path: text(from, `${name}Path`, where) };
  if (data === undefined) return undefined;
  return { data: base64(text(from, `${name}Data`, where), `${where}: ${name}Data`) };
}

function needed(found: KeySource | undefined, name: string, where: string): KeySource {
  if (found === undefined) throw new CoppiceError('Invalid', `${where}: one of ${name}Path and ${name}Data is needed`);
  return found;
}

function fulcio(value: unknown, where: string): CertificateAuthority {
  const from = members(value, where, ['caPath', 'caData', 'oidcIssuer', 'subjectEmail']);
  const roots = needed(source(from, 'ca', where), 'ca', where);
  const [oidcIssuer, subjectEmail] = [text(from, 'oidcIssuer', where), text(from, 'subjectEmail', where)];
  return { kind: 'fulcio', roots, oidcIssuer, subjectEmail };
}

function pki(value: unknown, where: string): CertificateAuthority {
  const files = ['caRootsPath', 'caRootsData', 'caIntermediatesPath', 'caIntermediatesData'];
  const from = members(value, where, [...files, 'subjectEmail', 'subjectHostname']);
  const optional = (key: string): string | undefined => (from[key] === undefined ? undefined : text(from, key, where));
  const [subjectEmail, subjectHostname] = [optional('subjectEmail'), optional('subjectHostname')];
  if (subjectEmail === undefined && subjectHostname === undefined)
    throw new CoppiceError('Invalid', `${where}: at least one of subjectEmail and subjectHostname is needed`);
  return {
    kind: 'pki',
    roots: needed(source(from, 'caRoots', where), 'caRoots', where),
    between: source(from, 'caIntermediates', where),
    subjectEmail,
    subjectHostname,
  };
}

const sigstoreKeys = ['keyPath', 'keyPaths', 'keyData', 'keyDatas'];
const rekorMembers = ['rekorPublicKeyPath', 'rekorPublicKeyPaths', 'rekorPublicKeyData', 'rekorPublicKeyDatas'];

function sigstoreSigned(value: unknown, where: string): PolicyRequirement {
  const known = ['type', ...sigstoreKeys, 'fulcio', 'pki', ...rekorMembers, 'signedIdentity'];
  const from = members(value, where, known);
  const given = [...sigstoreKeys, 'fulcio', 'pki'].filter((key) => from[key] !== undefined);
  if (given.length !== 1)
    throw new CoppiceError(
      'Invalid',
      `${where}: exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio and pki must be given`,
    );
  const signers =
    given[0] === 'fulcio'
      ? fulcio(from['fulcio'], `${where}: fulcio`)
      : given[0] === 'pki'
        ? pki(from['pki'], `${where}: pki`)
        : { keys: keySources(from, sigstoreKeys, where) };
  const logged = rekorMembers.some((key) => from[key] !== undefined);
  const rekorKeys = logged ? keySources(from, rekorMembers, where) : undefined;
  if ('kind' in signers && signers.kind === 'fulcio' && rekorKeys === undefined)
    throw new CoppiceError('Invalid', `${where}: with fulcio, a rekorPublicKey is needed`);
  if ('kind' in signers && signers.kind === 'pki' && rekorKeys !== undefined)
    throw new CoppiceError('Invalid', `${where}: rekorPublicKey cannot be used with pki`);
  return {
    type: 'sigstoreSigned',
    signers,
    rekorKeys,
    signedIdentity: identity(from['signedIdentity'], `${where}: signedIdentity`),
  };
}

function requirement(value: unknown, where: string): PolicyRequirement {
  const type = text(members(value, where, undefined), 'type', where);
  switch (type) {
    case 'insecureAcceptAnything':
    case 'reject':
      members(value, where, ['type']);
      return { type };
    case 'signedBy': {
      const from = members(value, where, ['type', 'keyType', 'keyPath', 'keyPaths', 'keyData', 'signedIdentity']);
      if (from['keyType'] !== 'GPGKeys')
        throw new CoppiceError('Unsupported', `${where}: keyType ${JSON.stringify(from['keyType'])} (only "GPGKeys")`);
      return {
        type,
        keys: keySources(from, ['keyPath', 'keyPaths', 'keyData'], where),
        signedIdentity: identity(from['signedIdentity'], `${where}: signedIdentity`),
      };
    }
    case 'sigstoreSigned':
      return sigstoreSigned(value, where);
    default:
      throw new CoppiceError('Invalid', `${where}: unknown type "${type}"`);
  }
}

function requirements(value: unknown, where: string): PolicyRequirement[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new CoppiceError('Invalid', `${where}: list of requirements must not be empty`);
  return value.map((item, i) => requirement(item, `${where}[${i}]`));
}

/** Reads a policy; what it does not know is an error, never ignored. Throws `Invalid`, `Unsupported`. */
export function parsePolicy(bytes: Uint8Array): Policy {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw new CoppiceError('Invalid', `policy.json: ${messageOf(error)}`, { cause: error });
  }
  const top = members(document, 'policy.json', ['default', 'transports']);
  const transports = new Map<string, Map<string, PolicyRequirement[]>>();
  for (const [transport, scopes] of Object.entries(members(top['transports'] ?? {}, 'transports', undefined))) {
    const at = `transports.${transport}`;
    transports.set(
      transport,
      new Map(
        Object.entries(members(scopes, at, undefined)).map(([scope, list]) => [
          scope,
          requirements(list, `${at}.${JSON.stringify(scope)}`),
        ]),
      ),
    );
  }
  if (top['default'] === undefined) throw new CoppiceError('Invalid', 'policy.json: "default" is missing');
  return { default: requirements(top['default'], 'default'), transports };
}

/** Whether anything goes where no scope says otherwise, which is no protection at all. */
export function acceptsAnythingByDefault(policy: Policy): boolean {
  return policy.default.length === 1 && policy.default[0]!.type === 'insecureAcceptAnything';
}

/** What an image must satisfy: all requirements of the narrowest scope that the policy has. */
export function requirementsFor(policy: Policy, image: ImageLocation): readonly PolicyRequirement[] {
  const scopes = policy.transports.get(image.transport);
  if (scopes !== undefined)
    for (const scope of [...scopesOf(image), '']) {
      const found = scopes.get(scope);
      if (found !== undefined) return found;
    }
  return policy.default;
}
