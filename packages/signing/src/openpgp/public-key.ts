import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { ByteReader, bytesEqual, CoppiceError, concatBytes, toHex } from '@coppice/base';
import { curveOfOid, ed25519Oid } from './algorithm.ts';
import { derBitString, derInteger, derSequence } from './der.ts';
import { readMpi } from './packet.ts';

/** A public (sub)key packet: version 4 only, as gpg. */
export interface PublicKey {
  readonly algorithm: number;
  /** Seconds since the epoch. */
  readonly created: number;
  /** 40 upper-case hex digits. */
  readonly fingerprint: string;
  /** Last 16 digits of the fingerprint. */
  readonly keyId: string;
  /** The public part of the packet body: what fingerprints and certifications cover. */
  readonly body: Uint8Array;
  readonly bits: number;
  /** Loads the key into node:crypto; undefined for algorithms it has not (ECDH, ElGamal, unknown curves). */
  keyObject(): KeyObject | undefined;
}

const dsaOid = Uint8Array.of(0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01);

function b64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function bitLength(value: Uint8Array): number {
  return value.length === 0 ? 0 : (value.length - 1) * 8 + (32 - Math.clz32(value[0]!));
}

type Material = { bits: number; jwk?: JsonWebKey; der?: Uint8Array };

function readMaterial(reader: ByteReader, algorithm: number): Material {
  switch (algorithm) {
    case 1:
    case 2:
    case 3: {
      const n = readMpi(reader);
      const e = readMpi(reader);
      return { bits: bitLength(n), jwk: { kty: 'RSA', n: b64(n), e: b64(e) } };
    }
    case 17: {
      const [p, q, g, y] = [readMpi(reader), readMpi(reader), readMpi(reader), readMpi(reader)];
      const params = derSequence([derInteger(p), derInteger(q), derInteger(g)]);
      return {
        bits: bitLength(p),
        der: derSequence([derSequence([dsaOid, params]), derBitString(derInteger(y))]),
      };
    }
    case 16:
    case 20: {
      const p = readMpi(reader);
      readMpi(reader);
      readMpi(reader);
      return { bits: bitLength(p) };
    }
    case 18:
    case 19:
    case 22: {
      const oid = reader.take(reader.u8());
      const point = readMpi(reader);
      if (algorithm === 18) reader.skip(reader.u8());
      const curve = curveOfOid(oid);
      if (algorithm === 22 && bytesEqual(oid, ed25519Oid)) {
        if (point.length !== 33 || point[0] !== 0x40)
          throw new CoppiceError('Corrupt', 'OpenPGP key: bad Ed25519 point');
        return { bits: 255, jwk: { kty: 'OKP', crv: 'Ed25519', x: b64(point.subarray(1)) } };
      }
      if (algorithm === 19 && curve !== undefined) {
        if (point.length !== 1 + 2 * curve.size || point[0] !== 4)
          throw new CoppiceError('Corrupt', 'OpenPGP key: bad curve point');
        const [x, y] = [point.subarray(1, 1 + curve.size), point.subarray(1 + curve.size)];
        return { bits: curve.size * 8, jwk: { kty: 'EC', crv: curve.jwk, x: b64(x), y: b64(y) } };
      }
      return { bits: 255 };
    }
    default:
      throw new CoppiceError('Unsupported', `OpenPGP key: unknown algorithm ${algorithm}`);
  }
}

/** The version 4 fingerprint: SHA-1 over 0x99, length and body. */
function fingerprintOf(body: Uint8Array): string {
  const prefix = Uint8Array.of(0x99, body.length >> 8, body.length & 255);
  return createHash('sha1').update(prefix).update(body).digest('hex').toUpperCase();
}

/**
 * Reads the public part at the reader (public and secret key packets begin alike) and leaves it after that part.
 * Throws `Corrupt` or, for versions and algorithms that gpg does not use either, `Unsupported`.
 */
export function readPublicKey(reader: ByteReader): PublicKey {
  const start = reader.offset;
  const version = reader.u8();
  if (version !== 4) throw new CoppiceError('Unsupported', `OpenPGP key: version ${version}`);
  const created = reader.u32be();
  const algorithm = reader.u8();
  const material = readMaterial(reader, algorithm);
  const body = reader.bytes.subarray(start, reader.offset);
  const fingerprint = fingerprintOf(body);
  let cached: KeyObject | undefined;
  return {
    algorithm,
    created,
    fingerprint,
    keyId: fingerprint.slice(-16),
    body,
    bits: material.bits,
    keyObject() {
      if (cached === undefined) {
        try {
          if (material.jwk !== undefined) cached = createPublicKey({ key: material.jwk, format: 'jwk' });
          else if (material.der !== undefined)
            cached = createPublicKey({ key: Buffer.from(material.der), format: 'der', type: 'spki' });
        } catch (error) {
          throw new CoppiceError('Corrupt', `OpenPGP key ${fingerprint}: invalid key material`, { cause: error });
        }
      }
      return cached;
    },
  };
}

export function parsePublicKey(body: Uint8Array): PublicKey {
  return readPublicKey(new ByteReader(body, 'OpenPGP key'));
}

/** What certifications hash for a key: 0x99, two length bytes, body. */
export function keyHashPrefix(key: PublicKey): Uint8Array {
  return concatBytes([Uint8Array.of(0x99, key.body.length >> 8, key.body.length & 255), key.body]);
}

export function shortHex(bytes: Uint8Array): string {
  return toHex(bytes).toUpperCase();
}
