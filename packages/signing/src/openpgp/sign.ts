import { createHash, sign as cryptoSign } from 'node:crypto';
import { type Clock, CoppiceError, concatBytes, fromHex, systemClock } from '@coppice/base';
import { hashId } from './algorithm.ts';
import { packetTag, writeMpi, writePacket } from './packet.ts';
import { loadSigningKey, type SecretKeyOptions, type SigningKey } from './secret-key.ts';

export interface SignOptions extends SecretKeyOptions {
  /** Seconds since the epoch; default: the clock. */
  readonly created?: number;
  readonly clock?: Clock;
  readonly hash?: 'sha256' | 'sha384' | 'sha512';
  /** Seconds after `created` at which the signature expires. */
  readonly expiresAfter?: number;
}

export interface Subpacket {
  readonly type: number;
  readonly body: Uint8Array;
  readonly critical?: boolean;
}

export const u32 = (n: number): Uint8Array => Uint8Array.of(n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255);

function writeSubpackets(list: readonly Subpacket[]): Uint8Array {
  const parts = list.map(({ type, body, critical }) => {
    const n = body.length + 1;
    const length = n < 192 ? Uint8Array.of(n) : concatBytes([Uint8Array.of(255), u32(n)]);
    return concatBytes([length, Uint8Array.of(critical ? type | 128 : type), body]);
  });
  const all = concatBytes(parts);
  return concatBytes([Uint8Array.of(all.length >> 8, all.length & 255), all]);
}

/**
 * Makes a version 4 signature packet of any type over `parts` joined. The subpackets issuer fingerprint and creation
 * time are added before `extra`, the issuer key ID goes in the unhashed area, as gpg lays them out.
 */
export function makeSignature(
  key: SigningKey,
  type: number,
  parts: Iterable<Uint8Array>,
  options: { created: number; hash?: string; extra?: readonly Subpacket[] },
): Uint8Array {
  const hashName = options.hash ?? 'sha256';
  const hash = hashId(hashName);
  if (hash === undefined) throw new CoppiceError('Usage', `unknown hash ${hashName}`);
  const hashed: Subpacket[] = [
    { type: 33, body: concatBytes([Uint8Array.of(4), fromHex(key.public.fingerprint)]) },
    { type: 2, body: u32(options.created) },
    ...(options.extra ?? []),
  ];
  const head = concatBytes([Uint8Array.of(4, type, key.public.algorithm, hash), writeSubpackets(hashed)]);
  const trailer = concatBytes([head, Uint8Array.of(4, 255), u32(head.length)]);
  const digest = createHash(hashName);
  const rest: Uint8Array[] = [];
  const eddsa = key.public.algorithm === 22;
  for (const part of parts) {
    digest.update(part);
    if (!eddsa) rest.push(part);
  }
  const sum = digest.update(trailer).digest();
  let values: Uint8Array[];
  if (eddsa) {
    const value = cryptoSign(null, sum, key.privateKey);
    values = [value.subarray(0, 32), value.subarray(32)];
  } else {
    const value = cryptoSign(hashName, concatBytes([...rest, trailer]), {
      key: key.privateKey,
      dsaEncoding: 'ieee-p1363',
    });
    const half = value.length / 2;
    values = key.public.algorithm === 19 ? [value.subarray(0, half), value.subarray(half)] : [value];
  }
  const issuer = writeSubpackets([{ type: 16, body: fromHex(key.public.keyId) }]);
  return writePacket(
    packetTag.signature,
    concatBytes([head, issuer, sum.subarray(0, 2), ...values.map((value) => writeMpi(value))]),
  );
}

/** A detached binary signature packet over `data`, as `gpg --detach-sign`. `secretKey` is loaded or its bytes. */
export function sign(
  secretKey: SigningKey | Uint8Array,
  data: Uint8Array | Iterable<Uint8Array>,
  options: SignOptions = {},
): Uint8Array {
  const key = secretKey instanceof Uint8Array ? loadSigningKey(secretKey, options) : secretKey;
  const created = options.created ?? Math.floor((options.clock ?? systemClock).now() / 1000);
  const extra: Subpacket[] =
    options.expiresAfter === undefined ? [] : [{ type: 3, body: u32(options.expiresAfter), critical: true }];
  return makeSignature(key, 0, data instanceof Uint8Array ? [data] : data, {
    created,
    hash: options.hash ?? defaultHash(key),
    extra,
  });
}

/** As strong as the key: gpg refuses a digest shorter than the curve. */
function defaultHash(key: SigningKey): string {
  if (key.public.algorithm === 22 || key.public.bits > 500) return key.public.algorithm === 1 ? 'sha256' : 'sha512';
  return key.public.algorithm === 19 && key.public.bits > 256 ? 'sha384' : 'sha256';
}
