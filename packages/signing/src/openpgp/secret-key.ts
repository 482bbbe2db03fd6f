import { createDecipheriv, createHash, createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { ByteReader, bytesEqual, CoppiceError, concatBytes, toHex } from '@coppice/base';
import { curveOfOid } from './algorithm.ts';
import { dearmor } from './armor.ts';
import { packetTag, padLeft, readMpi, readPackets } from './packet.ts';
import { type PublicKey, readPublicKey } from './public-key.ts';

/** A secret (sub)key that can sign. */
export interface SigningKey {
  readonly public: PublicKey;
  readonly privateKey: KeyObject;
}

export interface SecretKeyOptions {
  /** For keys that gpg exported with a passphrase. */
  readonly passphrase?: string;
  /** Picks the (sub)key whose fingerprint ends with it; default: the first that signs. */
  readonly keyId?: string;
}

const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const big = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes) || '0'}`);
export function bigBytes(value: bigint): Uint8Array {
  const hex = value.toString(16);
  return Uint8Array.from(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
}

/** Private JWK of an RSA key from OpenPGP's numbers (p < q, u = 1/p mod q). */
export function rsaJwk(
  n: Uint8Array,
  e: Uint8Array,
  d: Uint8Array,
  p: Uint8Array,
  q: Uint8Array,
  u: Uint8Array,
): JsonWebKey {
  const exponent = big(d);
  return {
    kty: 'RSA',
    n: b64(n),
    e: b64(e),
    d: b64(d),
    // JWK wants qi = 1/q mod p, so the two primes change places.
    p: b64(q),
    q: b64(p),
    dp: b64(bigBytes(exponent % (big(q) - 1n))),
    dq: b64(bigBytes(exponent % (big(p) - 1n))),
    qi: b64(u),
  };
}

function privateKeyOf(key: PublicKey, secret: ByteReader): KeyObject {
  const reader = new ByteReader(key.body, 'OpenPGP key', 6);
  switch (key.algorithm) {
    case 1:
    case 3: {
      const [n, e] = [readMpi(reader), readMpi(reader)];
      const [d, p, q, u] = [readMpi(secret), readMpi(secret), readMpi(secret), readMpi(secret)];
      return createPrivateKey({ key: rsaJwk(n, e, d, p, q, u), format: 'jwk' });
    }
    case 19: {
      const curve = curveOfOid(reader.take(reader.u8()));
      if (curve === undefined) throw new CoppiceError('Unsupported', 'OpenPGP secret key: unknown curve');
      const jwk = key.keyObject()!.export({ format: 'jwk' });
      return createPrivateKey({ key: { ...jwk, d: b64(padLeft(readMpi(secret), curve.size)) }, format: 'jwk' });
    }
    case 22: {
      const jwk = key.keyObject()!.export({ format: 'jwk' });
      return createPrivateKey({ key: { ...jwk, d: b64(padLeft(readMpi(secret), 32)) }, format: 'jwk' });
    }
    default:
      throw new CoppiceError('Unsupported', `OpenPGP secret key: algorithm ${key.algorithm}`);
  }
}

const ciphers: Readonly<Record<number, { name: string; key: number; block: number }>> = {
  7: { name: 'aes-128-cfb', key: 16, block: 16 },
  8: { name: 'aes-192-cfb', key: 24, block: 16 },
  9: { name: 'aes-256-cfb', key: 32, block: 16 },
};

/** Session key from a passphrase: S2K simple, salted or iterated (RFC 4880 section 3.7). */
function stringToKey(reader: ByteReader, passphrase: string, size: number): Uint8Array {
  const mode = reader.u8();
  const hashNumber = reader.u8();
  if (mode === 101) throw new CoppiceError('Unsupported', 'OpenPGP secret key: the secret part is not in this file');
  const hash = { 1: 'md5', 2: 'sha1', 8: 'sha256', 9: 'sha384', 10: 'sha512' }[hashNumber];
  if (hash === undefined || ![0, 1, 3].includes(mode))
    throw new CoppiceError('Unsupported', `OpenPGP secret key: S2K ${mode}/${hashNumber}`);
  const salt = mode === 0 ? new Uint8Array(0) : reader.take(8);
  const unit = concatBytes([salt, Buffer.from(passphrase)]);
  const coded = mode === 3 ? reader.u8() : 0;
  const count = Math.max(unit.length, mode === 3 ? (16 + (coded & 15)) << ((coded >> 4) + 6) : 0);
  const out: Uint8Array[] = [];
  for (let have = 0, zeros = 0; have < size; zeros++) {
    const digest = createHash(hash).update(new Uint8Array(zeros));
    let left = count;
    for (; left > unit.length; left -= unit.length) digest.update(unit);
    const block = digest.update(unit.subarray(0, left)).digest();
    out.push(block);
    have += block.length;
  }
  return concatBytes(out).subarray(0, size);
}

function secretNumbers(reader: ByteReader, passphrase: string | undefined): ByteReader {
  const usage = reader.u8();
  if (usage === 0) return new ByteReader(reader.take(reader.remaining), 'OpenPGP secret key');
  if (usage !== 254 && usage !== 255) throw new CoppiceError('Unsupported', `OpenPGP secret key: protection ${usage}`);
  const cipher = ciphers[reader.u8()];
  if (cipher === undefined) throw new CoppiceError('Unsupported', 'OpenPGP secret key: cipher');
  const key = stringToKey(reader, passphrase ?? '', cipher.key);
  const iv = reader.take(cipher.block);
  const decipher = createDecipheriv(cipher.name, key, iv);
  const plain = Buffer.concat([decipher.update(reader.take(reader.remaining)), decipher.final()]);
  const size = usage === 254 ? 20 : 2;
  const data = plain.subarray(0, -size);
  const wanted = plain.subarray(-size);
  const actual =
    usage === 254
      ? createHash('sha1').update(data).digest()
      : Buffer.from([0, 8].reverse().map((shift) => (data.reduce((n, b) => n + b, 0) >> shift) & 255));
  if (!bytesEqual(actual, wanted)) throw new CoppiceError('Signature', 'OpenPGP secret key: bad passphrase');
  return new ByteReader(data, 'OpenPGP secret key');
}

/** Loads a secret key packet body. */
export function readSecretKey(body: Uint8Array, passphrase?: string): SigningKey {
  const reader = new ByteReader(body, 'OpenPGP secret key');
  const key = readPublicKey(reader);
  try {
    return { public: key, privateKey: privateKeyOf(key, secretNumbers(reader, passphrase)) };
  } catch (error) {
    if (error instanceof CoppiceError) throw error;
    throw new CoppiceError('Corrupt', 'OpenPGP secret key: invalid key material', { cause: error });
  }
}

/**
 * The key to sign with from a transferable secret key (binary or armored; what `generateKey` makes or
 * `gpg --export-secret-keys` writes). Throws `NotFound` when none matches, `Signature` on a wrong passphrase.
 */
export function loadSigningKey(secretKey: Uint8Array, options: SecretKeyOptions = {}): SigningKey {
  const wanted = options.keyId?.replace(/^0x/i, '').toUpperCase();
  let failure: unknown;
  for (const packet of readPackets(dearmor(secretKey))) {
    if (packet.tag !== packetTag.secretKey && packet.tag !== packetTag.secretSubkey) continue;
    try {
      const key = readPublicKey(new ByteReader(packet.body, 'OpenPGP secret key'));
      if (wanted !== undefined ? !key.fingerprint.endsWith(wanted) : key.algorithm === 16 || key.algorithm === 18)
        continue;
      return readSecretKey(packet.body, options.passphrase);
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  throw new CoppiceError('NotFound', wanted === undefined ? 'No secret key found' : `No secret key ${wanted} found`);
}
