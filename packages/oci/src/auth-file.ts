// containers-auth.json(5), which is also Docker's config.json: who we are at which registry.
import { CoppiceError, messageOf } from '@coppice/base';
import type { ImageReference } from './reference.ts';

/** A password, or a token that is exchanged at the registry's token server. */
export type RegistryCredentials =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'identity-token'; readonly token: string };

export interface AuthFile {
  /** By `HOST[:PORT][/PATH...]`. */
  readonly auths: ReadonlyMap<string, RegistryCredentials>;
  /** Names of programs `docker-credential-NAME` by host. */
  readonly helpers: ReadonlyMap<string, string>;
}

type Members = Readonly<Record<string, unknown>>;

function members(value: unknown, where: string): Members {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new CoppiceError('Invalid', `${where}: not an object`);
  return value as Members;
}

/** Docker writes URLs for some hosts, with the version of the protocol at their end. */
function normalKey(key: string): string {
  const plain = key.replace(/^https?:\/\//, '').replace(/\/+$/, '');
  return plain === 'index.docker.io/v1' || plain === 'index.docker.io' ? 'docker.io' : plain.replace(/\/v[12]$/, '');
}

function credentials(entry: Members, where: string): RegistryCredentials | undefined {
  const { auth, identitytoken } = entry;
  if (typeof identitytoken === 'string' && identitytoken !== '')
    return { kind: 'identity-token', token: identitytoken };
  if (auth === undefined || auth === '') return undefined;
  const text = typeof auth === 'string' ? Buffer.from(auth, 'base64').toString().replace(/\0+$/, '') : '';
  const colon = text.indexOf(':');
  // Never with what it says: messages end up in logs.
  if (colon < 0) throw new CoppiceError('Invalid', `${where}: auth is not base64 of USER:PASSWORD`);
  return { kind: 'password', user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Reads an authentication file. Throws `Invalid`, never quoting a secret; `name` is for messages. */
export function parseAuthFile(bytes: Uint8Array, name: string): AuthFile {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    // What a JSON parser says quotes the text.
    throw new CoppiceError('Invalid', `${name}: not JSON`);
  }
  const top = members(document, name);
  const auths = new Map<string, RegistryCredentials>();
  for (const [key, value] of Object.entries(members(top['auths'], `${name}: auths`))) {
    const where = `${name}: auths.${JSON.stringify(key)}`;
    const found = credentials(members(value, where), where);
    if (found !== undefined) auths.set(normalKey(key), found);
  }
  const helpers = new Map<string, string>();
  for (const [key, value] of Object.entries(members(top['credHelpers'], `${name}: credHelpers`))) {
    if (typeof value !== 'string' || !/^[A-Za-z0-9._-]+$/.test(value))
      throw new CoppiceError('Invalid', `${name}: credHelpers.${JSON.stringify(key)}: not the name of a helper`);
    helpers.set(normalKey(key), value);
  }
  return { auths, helpers };
}

/** The narrowest entry for an image: `HOST/PATH/NAME`, then its namespaces, then the host. */
export function credentialsFor(
  file: AuthFile,
  image: Pick<ImageReference, 'host' | 'path'>,
): RegistryCredentials | { readonly kind: 'helper'; readonly name: string } | undefined {
  const helper = file.helpers.get(image.host);
  if (helper !== undefined) return { kind: 'helper', name: helper };
  for (let scope = `${image.host}/${image.path}`; ; scope = scope.slice(0, scope.lastIndexOf('/'))) {
    const found = file.auths.get(scope);
    if (found !== undefined || !scope.includes('/')) return found;
  }
}

/** What a credential helper printed. Throws `Permission` without quoting it. */
export function parseHelperAnswer(text: string, helper: string): RegistryCredentials {
  try {
    const { Username: user, Secret: secret } = JSON.parse(text) as Members;
    if (typeof user === 'string' && typeof secret === 'string')
      return user === '<token>'
        ? { kind: 'identity-token', token: secret }
        : { kind: 'password', user, password: secret };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw new CoppiceError('Permission', `${helper}: ${messageOf(error)}`);
  }
  throw new CoppiceError('Permission', `${helper}: gave no credentials`);
}
