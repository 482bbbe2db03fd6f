import { ByteReader, CoppiceError, concatBytes } from '@coppice/base';

/** Packet tags of RFC 4880 section 4.3 that keyrings and signatures hold. */
export const packetTag = {
  signature: 2,
  onePassSignature: 4,
  secretKey: 5,
  publicKey: 6,
  secretSubkey: 7,
  compressed: 8,
  marker: 10,
  literal: 11,
  trust: 12,
  userId: 13,
  publicSubkey: 14,
  userAttribute: 17,
} as const;

export interface Packet {
  readonly tag: number;
  readonly body: Uint8Array;
  /** The packet as it stood, header included. */
  readonly raw: Uint8Array;
}

function bodyLength(reader: ByteReader, first: number): { length: number; partial: boolean } {
  if (first < 192) return { length: first, partial: false };
  if (first < 224) return { length: ((first - 192) << 8) + reader.u8() + 192, partial: false };
  if (first === 255) return { length: reader.u32be(), partial: false };
  return { length: 2 ** (first & 31), partial: true };
}

/** Packets of `bytes` in order (old and new header formats, partial lengths). Throws `Corrupt` on malformed framing. */
export function* readPackets(bytes: Uint8Array): Generator<Packet> {
  const reader = new ByteReader(bytes, 'OpenPGP packet');
  while (reader.remaining > 0) {
    const start = reader.offset;
    const header = reader.u8();
    if ((header & 0x80) === 0) throw new CoppiceError('Corrupt', `OpenPGP packet: bad header at byte ${start}`);
    let tag: number;
    let body: Uint8Array;
    if (header & 0x40) {
      tag = header & 63;
      const parts: Uint8Array[] = [];
      for (;;) {
        const { length, partial } = bodyLength(reader, reader.u8());
        parts.push(reader.take(length));
        if (!partial) break;
      }
      body = parts.length === 1 ? parts[0]! : concatBytes(parts);
    } else {
      tag = (header >> 2) & 15;
      const kind = header & 3;
      const length =
        kind === 0 ? reader.u8() : kind === 1 ? reader.u16be() : kind === 2 ? reader.u32be() : reader.remaining;
      body = reader.take(length);
    }
    yield { tag, body, raw: bytes.subarray(start, reader.offset) };
  }
}

/** A packet with an old-format header where the tag allows it (what gpg writes and every reader knows). */
export function writePacket(tag: number, body: Uint8Array): Uint8Array {
  const n = body.length;
  if (tag < 16) {
    if (n < 256) return concatBytes([Uint8Array.of(0x80 | (tag << 2), n), body]);
    if (n < 65536) return concatBytes([Uint8Array.of(0x81 | (tag << 2), n >> 8, n & 255), body]);
    return concatBytes([Uint8Array.of(0x82 | (tag << 2), n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255), body]);
  }
  return concatBytes([Uint8Array.of(0xc0 | tag, 255, n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255), body]);
}

/** A multiprecision integer: bit count, then big-endian bytes without leading zeros. */
export function readMpi(reader: ByteReader): Uint8Array {
  const bits = reader.u16be();
  return reader.take((bits + 7) >> 3);
}

export function writeMpi(value: Uint8Array): Uint8Array {
  let at = 0;
  while (at < value.length && value[at] === 0) at++;
  const body = value.subarray(at);
  const bits = body.length === 0 ? 0 : (body.length - 1) * 8 + (32 - Math.clz32(body[0]!));
  return concatBytes([Uint8Array.of(bits >> 8, bits & 255), body]);
}

/** Big-endian bytes left-padded with zeros to `size`; longer input loses only leading zeros, else `Corrupt`. */
export function padLeft(value: Uint8Array, size: number): Uint8Array {
  if (value.length === size) return value;
  if (value.length > size) {
    if (value.subarray(0, value.length - size).some((byte) => byte !== 0))
      throw new CoppiceError('Corrupt', 'OpenPGP number too long');
    return value.subarray(value.length - size);
  }
  const out = new Uint8Array(size);
  out.set(value, size - value.length);
  return out;
}
