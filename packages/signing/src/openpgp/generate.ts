import { generateKeyPairSync } from 'node:crypto';
import { ByteReader, type Clock, CoppiceError, concatBytes, systemClock } from '@coppice/base';
import { ed25519Oid } from './algorithm.ts';
import { packetTag, writeMpi, writePacket } from './packet.ts';
import { keyHashPrefix, readPublicKey } from './public-key.ts';
import { readSecretKey } from './secret-key.ts';
import { makeSignature, type Subpacket, u32 } from './sign.ts';

export interface GenerateOptions {
  /** e.g. `Coppice Lab <lab@example.com>`. */
  readonly userId: string;
  readonly algorithm?: 'ed25519' | 'rsa2048' | 'rsa3072' | 'rsa4096';
  /** Seconds since the epoch; default: the clock. */
  readonly created?: number;
  readonly clock?: Clock;
  /** Seconds after `created`; default: never expires. */
  readonly expiresAfter?: number;
}

export interface GeneratedKey {
  /** Transferable secret key, binary, not protected: gpg imports it, `sign` takes it. */
  readonly secretKey: Uint8Array;
  /** Transferable public key, binary: usable as a keyring file. */
  readonly publicKey: Uint8Array;
  readonly fingerprint: string;
  readonly keyId: string;
}

function material(algorithm: string): { id: number; public: Uint8Array; secret: Uint8Array } {
  const raw = (text: string | undefined): Uint8Array => Buffer.from(text ?? '', 'base64url');
  if (algorithm === 'ed25519') {
    const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
    const point = concatBytes([Uint8Array.of(0x40), raw(jwk.x)]);
    return {
      id: 22,
      public: concatBytes([Uint8Array.of(ed25519Oid.length), ed25519Oid, writeMpi(point)]),
      secret: writeMpi(raw(jwk.d)),
    };
  }
  const bits = Number(/^rsa(\d+)$/.exec(algorithm)?.[1]);
  if (![2048, 3072, 4096].includes(bits)) throw new CoppiceError('Usage', `unknown key algorithm ${algorithm}`);
  const jwk = generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ format: 'jwk' });
  return {
    id: 1,
    public: concatBytes([writeMpi(raw(jwk.n)), writeMpi(raw(jwk.e))]),
    // OpenPGP's u is 1/p mod q, JWK's qi is 1/q mod p: the primes change places.
    secret: concatBytes([raw(jwk.d), raw(jwk.q), raw(jwk.p), raw(jwk.qi)].map((value) => writeMpi(value))),
  };
}

/** Makes a new primary key that certifies and signs, with one user ID; no gpg involved. */
export function generateKey(options: GenerateOptions): GeneratedKey {
  const created = options.created ?? Math.floor((options.clock ?? systemClock).now() / 1000);
  const made = material(options.algorithm ?? 'ed25519');
  const publicBody = concatBytes([Uint8Array.of(4), u32(created), Uint8Array.of(made.id), made.public]);
  const sum = made.secret.reduce((n, byte) => (n + byte) & 0xffff, 0);
  const secretBody = concatBytes([publicBody, Uint8Array.of(0), made.secret, Uint8Array.of(sum >> 8, sum & 255)]);
  const key = readSecretKey(secretBody);
  const user = new TextEncoder().encode(options.userId);
  const extra: Subpacket[] = [
    { type: 27, body: Uint8Array.of(3) },
    ...(options.expiresAfter === undefined ? [] : [{ type: 9, body: u32(options.expiresAfter) }]),
    { type: 11, body: Uint8Array.of(9, 8, 7) },
    { type: 21, body: Uint8Array.of(10, 9, 8) },
    { type: 30, body: Uint8Array.of(1) },
    { type: 23, body: Uint8Array.of(0x80) },
  ];
  const userPrefix = concatBytes([Uint8Array.of(0xb4), u32(user.length), user]);
  const certification = makeSignature(key, 0x13, [keyHashPrefix(key.public), userPrefix], { created, extra });
  const tail = [writePacket(packetTag.userId, user), certification];
  const { fingerprint, keyId } = readPublicKey(new ByteReader(publicBody, 'OpenPGP key'));
  return {
    secretKey: concatBytes([writePacket(packetTag.secretKey, secretBody), ...tail]),
    publicKey: concatBytes([writePacket(packetTag.publicKey, publicBody), ...tail]),
    fingerprint,
    keyId,
  };
}
