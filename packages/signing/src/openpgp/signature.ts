import { ByteReader, CoppiceError, concatBytes } from '@coppice/base';
import { packetTag, readMpi, readPackets } from './packet.ts';
import { shortHex } from './public-key.ts';

/** Signature types of RFC 4880 section 5.2.1 that matter here. */
export const signatureType = {
  binary: 0x00,
  text: 0x01,
  certGeneric: 0x10,
  certPositive: 0x13,
  subkeyBinding: 0x18,
  primaryKeyBinding: 0x19,
  direct: 0x1f,
  keyRevocation: 0x20,
  subkeyRevocation: 0x28,
  certRevocation: 0x30,
} as const;

/** A signature packet, version 3 or 4. Times are seconds. */
export interface Signature {
  readonly version: number;
  readonly type: number;
  readonly algorithm: number;
  readonly hash: number;
  readonly created: number;
  /** 16 hex digits; undefined when the packet names no issuer. */
  readonly issuer: string | undefined;
  readonly issuerFingerprint: string | undefined;
  /** Absolute; 0 = never. */
  readonly expires: number;
  /** Seconds after the key's creation; 0 = never; undefined = not said. */
  readonly keyExpiresAfter: number | undefined;
  readonly keyFlags: number | undefined;
  readonly primaryUserId: boolean;
  readonly revocationReason: { readonly code: number; readonly text: string } | undefined;
  readonly embedded: Uint8Array | undefined;
  /** A critical subpacket nobody here understands: the signature must not be trusted. */
  readonly unknownCritical: boolean;
  /** What is hashed after the signed data. */
  readonly trailer: Uint8Array;
  /** First two bytes of the digest, as a quick check. */
  readonly digestStart: Uint8Array;
  readonly values: readonly Uint8Array[];
  readonly raw: Uint8Array;
}

interface Subpackets {
  created?: number;
  expiresAfter?: number;
  keyExpiresAfter?: number;
  issuer?: string;
  issuerFingerprint?: string;
  /** Of a key of version 6. */
  newFingerprint?: string;
  keyFlags?: number;
  primaryUserId?: boolean;
  reason?: { code: number; text: string };
  embedded?: Uint8Array;
  unknownCritical?: boolean;
}

// Subpacket types a verifier may see critical without harm.
const known = new Set([2, 3, 4, 5, 6, 7, 9, 11, 12, 16, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34]);

function readSubpackets(area: Uint8Array, hashed: boolean, out: Subpackets): void {
  const reader = new ByteReader(area, 'OpenPGP subpacket');
  while (reader.remaining > 0) {
    const first = reader.u8();
    const length = first < 192 ? first : first < 255 ? ((first - 192) << 8) + reader.u8() + 192 : reader.u32be();
    if (length === 0) throw new CoppiceError('Corrupt', 'OpenPGP subpacket: zero length');
    const body = reader.take(length);
    const type = body[0]! & 127;
    const data = new ByteReader(body, 'OpenPGP subpacket', 1);
    if (hashed && (body[0]! & 128) !== 0 && !known.has(type)) out.unknownCritical = true;
    // Only the issuer and embedded signatures, which are checked by themselves, count when unhashed.
    if (type === 16) out.issuer ??= shortHex(data.take(8));
    else if (type === 33) {
      const version = data.u8();
      if (version === 4) out.issuerFingerprint ??= shortHex(data.take(20));
      else if (version === 6) out.newFingerprint ??= shortHex(data.take(32));
    } else if (type === 32) out.embedded ??= body.subarray(1);
    else if (!hashed) continue;
    else if (type === 2) out.created = data.u32be();
    else if (type === 3) out.expiresAfter = data.u32be();
    else if (type === 9) out.keyExpiresAfter = data.u32be();
    else if (type === 25) out.primaryUserId = data.u8() !== 0;
    else if (type === 27) out.keyFlags = body.length > 1 ? data.u8() : 0;
    else if (type === 29) {
      const code = data.u8();
      out.reason = { code, text: Buffer.from(data.take(data.remaining)).toString('utf8') };
    }
  }
}

function readValues(reader: ByteReader, algorithm: number): Uint8Array[] {
  const count = algorithm === 1 || algorithm === 3 || algorithm === 2 ? 1 : 2;
  return Array.from({ length: count }, () => readMpi(reader));
}

/** The value of one signature packet body. Throws `Corrupt` when malformed, `Unsupported` for other versions than 3 and 4. */
export function parseSignature(body: Uint8Array, raw: Uint8Array = body): Signature {
  const reader = new ByteReader(body, 'OpenPGP signature');
  const version = reader.u8();
  if (version === 3 || version === 2) {
    if (reader.u8() !== 5) throw new CoppiceError('Corrupt', 'OpenPGP signature: bad hashed length');
    const trailer = reader.take(5);
    const type = trailer[0]!;
    const created = new ByteReader(trailer, 'OpenPGP signature', 1).u32be();
    const issuer = shortHex(reader.take(8));
    const algorithm = reader.u8();
    const hash = reader.u8();
    const digestStart = reader.take(2);
    return {
      version,
      type,
      algorithm,
      hash,
      created,
      issuer,
      issuerFingerprint: undefined,
      expires: 0,
      keyExpiresAfter: undefined,
      keyFlags: undefined,
      primaryUserId: false,
      revocationReason: undefined,
      embedded: undefined,
      unknownCritical: false,
      trailer,
      digestStart,
      values: readValues(reader, algorithm),
      raw,
    };
  }
  if (version !== 4) throw new CoppiceError('Unsupported', `OpenPGP signature: version ${version}`);
  const type = reader.u8();
  const algorithm = reader.u8();
  const hash = reader.u8();
  const hashed = reader.take(reader.u16be());
  const head = body.subarray(0, reader.offset);
  const unhashed = reader.take(reader.u16be());
  const found: Subpackets = {};
  readSubpackets(hashed, true, found);
  readSubpackets(unhashed, false, found);
  const digestStart = reader.take(2);
  const n = head.length;
  const trailer = concatBytes([head, Uint8Array.of(4, 0xff, n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255)]);
  const created = found.created ?? 0;
  return {
    version,
    type,
    algorithm,
    hash,
    created,
    issuer: found.issuer ?? found.issuerFingerprint?.slice(-16),
    issuerFingerprint: found.issuerFingerprint,
    expires: found.expiresAfter ? created + found.expiresAfter : 0,
    keyExpiresAfter: found.keyExpiresAfter,
    keyFlags: found.keyFlags,
    primaryUserId: found.primaryUserId ?? false,
    revocationReason: found.reason,
    embedded: found.embedded,
    unknownCritical: found.unknownCritical === true || found.created === undefined,
    trailer,
    digestStart,
    values: readValues(reader, algorithm),
    raw,
  };
}

/** What a signature of any version, also one that cannot be checked here, says of itself. Throws `Corrupt`. */
export function signatureHead(body: Uint8Array): Pick<Signature, 'version' | 'algorithm' | 'hash' | 'issuer'> {
  const reader = new ByteReader(body, 'OpenPGP signature');
  if (reader.u8() !== 6) return parseSignature(body);
  reader.u8();
  const [algorithm, hash] = [reader.u8(), reader.u8()];
  const found: Subpackets = {};
  readSubpackets(reader.take(reader.u32be()), true, found);
  return { version: 6, algorithm, hash, issuer: found.newFingerprint?.slice(0, 16) };
}

/** All signature packets of `bytes` (binary; dearmor first), in order. Other packets are `Corrupt`, but markers are skipped. */
export function parseSignatures(bytes: Uint8Array): Signature[] {
  const out: Signature[] = [];
  for (const packet of readPackets(bytes)) {
    if (packet.tag === packetTag.signature) out.push(parseSignature(packet.body, packet.raw));
    else if (packet.tag !== packetTag.marker)
      throw new CoppiceError('Corrupt', `OpenPGP signature: unexpected packet ${packet.tag}`);
  }
  return out;
}
