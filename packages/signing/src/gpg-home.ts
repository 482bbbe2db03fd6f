import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { bytesEqual, CoppiceError, concatBytes } from '@coppice/base';
import { dearmor } from './openpgp/armor.ts';
import type { KeyStanding } from './openpgp/certificate.ts';
import { keyboxCertificates } from './openpgp/keybox.ts';
import { Keyring } from './openpgp/keyring.ts';
import { padLeft } from './openpgp/packet.ts';
import { loadSigningKey, rsaJwk, type SigningKey } from './openpgp/secret-key.ts';
import { parseSexp, type Sexp, sexpFind } from './openpgp/sexp.ts';

/** What may not be read does not count for gpg, as if it were not there. */
function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return undefined;
    throw error;
  }
}

const readOptional = (path: string): Uint8Array | undefined => unlessMissing(() => readFileSync(path));

/** The public keys of a GnuPG home directory: `pubring.gpg` and `pubring.kbx`, and the public halves in `secring.gpg`. */
export function gpgHomeKeyring(home: string): Keyring {
  return new Keyring(gpgHomeKeys(home));
}

/** The same as packets, one file after the other. */
export function gpgHomeKeys(home: string): Uint8Array[] {
  const sources: Uint8Array[] = [];
  for (const name of ['pubring.gpg', 'secring.gpg']) {
    const bytes = readOptional(join(home, name));
    if (bytes !== undefined) sources.push(dearmor(bytes));
  }
  const keybox = readOptional(join(home, 'pubring.kbx'));
  if (keybox !== undefined) sources.push(concatBytes(keyboxCertificates(keybox)));
  return sources;
}

const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

/** The numbers of a key that gpg took over from a `secring.gpg` and that has no passphrase (`protection none`). */
function nativeNumbers(kind: readonly Sexp[]): Uint8Array[] | undefined {
  const outer = sexpFind(kind, 'protected');
  const inner = Array.isArray(outer) ? sexpFind(outer as readonly Sexp[], 'openpgp-private-key') : undefined;
  if (!Array.isArray(inner)) return undefined;
  const numbers = sexpFind(inner as readonly Sexp[], 'skey');
  if (!Array.isArray(numbers)) return undefined;
  const out: Uint8Array[] = [];
  for (let i = 1; i + 1 < numbers.length; i += 2) {
    const [flag, number] = [numbers[i], numbers[i + 1]];
    if (!(flag instanceof Uint8Array) || !(number instanceof Uint8Array) || flag[0] !== 0x5f) return undefined;
    out.push(number);
  }
  return out;
}

/** A private key file of gpg-agent against the public key it should belong to; undefined when it is another key's. */
function agentKey(file: Uint8Array, standing: KeyStanding): KeyObject | undefined {
  const root = parseSexp(file);
  // node:crypto has no JWK for DSA; such keys verify but do not sign here.
  const wanted = standing.key.algorithm === 17 ? undefined : standing.key.keyObject()?.export({ format: 'jwk' });
  if (wanted === undefined || !Array.isArray(root)) return undefined;
  const kind = root[1];
  if (!Array.isArray(kind)) return undefined;
  const value = (name: string): Uint8Array | undefined => {
    const found: Sexp | undefined = sexpFind(kind, name);
    return Array.isArray(found) && found[1] instanceof Uint8Array ? found[1] : undefined;
  };
  const trimmed = (bytes: Uint8Array): Uint8Array => bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  const n = value('n');
  const q = value('q');
  const mine =
    wanted.kty === 'RSA'
      ? n !== undefined && bytesEqual(trimmed(n), Buffer.from(wanted.n ?? '', 'base64url'))
      : q !== undefined && bytesEqual(q.subarray(1, 33), Buffer.from(wanted.x ?? '', 'base64url').subarray(0, 32));
  if (!mine) return undefined;
  const label = root[0] instanceof Uint8Array ? Buffer.from(root[0]).toString('latin1') : '';
  if (label !== 'private-key') {
    const native = label === 'protected-private-key' ? nativeNumbers(kind) : undefined;
    if (native === undefined)
      throw new CoppiceError(
        'Unsupported',
        `The secret key ${standing.key.keyId} is protected by a passphrase or a card`,
      );
    const [nn, ee, dd, pp, qq, uu] = native.map(trimmed);
    if (wanted.kty !== 'RSA' || !nn || !ee || !dd || !pp || !qq || !uu)
      throw new CoppiceError('Unsupported', `The secret key ${standing.key.keyId} is in a form that only gpg reads`);
    return createPrivateKey({ key: rsaJwk(nn, ee, dd, pp, qq, uu), format: 'jwk' });
  }
  const d = value('d');
  if (wanted.kty === 'RSA') {
    const [e, p, second, u] = [value('e'), value('p'), q, value('u')];
    if (!n || !e || !d || !p || !second || !u) throw new CoppiceError('Corrupt', 'gpg-agent key: incomplete RSA key');
    return createPrivateKey({
      key: rsaJwk(trimmed(n), trimmed(e), trimmed(d), trimmed(p), trimmed(second), trimmed(u)),
      format: 'jwk',
    });
  }
  if (d === undefined) throw new CoppiceError('Corrupt', 'gpg-agent key: no private part');
  const size = Buffer.from(wanted.x ?? '', 'base64url').length;
  const jwk: JsonWebKey = { ...wanted, d: b64(padLeft(trimmed(d), size)) };
  return createPrivateKey({ key: jwk, format: 'jwk' });
}

/** Default GnuPG home: `$GNUPGHOME`, else `~/.gnupg`. */
export function defaultGpgHome(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env['GNUPGHOME'] ?? join(env['HOME'] ?? homedir(), '.gnupg');
}

/** The (sub)keys a signing request for `keyId` may use, best first: newest signing subkeys, then the primary. */
function candidates(keyring: Keyring, keyId: string): KeyStanding[] {
  const byName = keyId.includes('@') || keyId.includes(' ');
  const certificate = byName
    ? keyring.certificates.find((c) => c.userIds.some((u) => u.text.toLowerCase().includes(keyId.toLowerCase())))
    : keyring.find(keyId)?.certificate;
  if (certificate === undefined) return [];
  const subkeys = certificate.subkeys.filter((s) => s.canSign && s.bound && !s.revoked);
  return [
    ...subkeys.sort((a, b) => b.key.created - a.key.created),
    ...(certificate.primary.canSign ? [certificate.primary] : []),
  ];
}

/**
 * Loads a key to sign with from a GnuPG home directory without running gpg: `private-keys-v1.d/*.key` (canonical and
 * extended form) and the old `secring.gpg`. Throws `NotFound` when the directory has no such key, `Unsupported` when its
 * secret part is protected.
 */
export function loadGpgHomeKey(home: string, keyId: string): SigningKey {
  const keys = candidates(gpgHomeKeyring(home), keyId);
  const secring = readOptional(join(home, 'secring.gpg'));
  const names = unlessMissing(() => readdirSync(join(home, 'private-keys-v1.d'))) ?? [];
  const files = names.filter((name) => name.endsWith('.key'));
  let protectedKey: unknown;
  for (const standing of keys) {
    for (const name of files) {
      try {
        const found = agentKey(readFileSync(join(home, 'private-keys-v1.d', name)), standing);
        if (found !== undefined) return { public: standing.key, privateKey: found };
      } catch (error) {
        protectedKey ??= error;
      }
    }
    if (secring === undefined) continue;
    try {
      return loadSigningKey(secring, { keyId: standing.key.fingerprint });
    } catch (error) {
      if (!(error instanceof CoppiceError && error.code === 'NotFound')) protectedKey ??= error;
    }
  }
  if (protectedKey !== undefined) throw protectedKey;
  throw new CoppiceError('NotFound', `No gpg key found with ID ${keyId} (homedir: ${home})`);
}
