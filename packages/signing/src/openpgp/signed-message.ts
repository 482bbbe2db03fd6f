import { inflateRawSync, inflateSync } from 'node:zlib';
import { CoppiceError, concatBytes } from '@coppice/base';
import { packetTag, readPackets, writePacket } from './packet.ts';

/** Compressed packets inside compressed packets are followed this far. */
const depthLimit = 2;

/** What `gpg --sign` makes: the bytes that are signed and the signatures over them, as `verify` takes them. */
export interface SignedMessage {
  readonly signatures: Uint8Array;
  readonly data: Uint8Array;
}

/**
 * Opens a signed message (RFC 4880 section 11.3): one-pass signatures, one literal, signatures; compressed as a whole or
 * not. Nothing is verified yet. `limit` bounds the literal in bytes. Throws `Corrupt` for other shapes, `Limit`.
 */
export function openSignedMessage(bytes: Uint8Array, limit: number): SignedMessage {
  return open(bytes, limit, depthLimit);
}

function open(bytes: Uint8Array, limit: number, depth: number): SignedMessage {
  const signatures: Uint8Array[] = [];
  let data: Uint8Array | undefined;
  for (const packet of readPackets(bytes)) {
    switch (packet.tag) {
      case packetTag.compressed:
        if (depth === 0 || data !== undefined || signatures.length > 0)
          throw new CoppiceError('Corrupt', 'OpenPGP message: compressed data where none may be');
        return open(inflate(packet.body, limit), limit, depth - 1);
      case packetTag.onePassSignature:
      case packetTag.marker:
        break;
      case packetTag.literal:
        if (data !== undefined) throw new CoppiceError('Corrupt', 'OpenPGP message: more than one literal');
        data = literal(packet.body);
        if (data.length > limit) throw new CoppiceError('Limit', `OpenPGP message: more than ${limit} bytes`);
        break;
      case packetTag.signature:
        signatures.push(writePacket(packetTag.signature, packet.body));
        break;
      default:
        throw new CoppiceError('Corrupt', `OpenPGP message: unexpected packet ${packet.tag}`);
    }
  }
  if (data === undefined || signatures.length === 0)
    throw new CoppiceError('Corrupt', 'OpenPGP message: not a signed message');
  return { signatures: concatBytes(signatures), data };
}

/** Body of a literal packet: format, file name, date, then the bytes (section 5.9). */
function literal(body: Uint8Array): Uint8Array {
  const start = 2 + (body[1] ?? 0) + 4;
  if (body.length < start) throw new CoppiceError('Corrupt', 'OpenPGP message: literal too short');
  return body.subarray(start);
}

function inflate(body: Uint8Array, limit: number): Uint8Array {
  // Signatures and framing come on top of the literal.
  const options = { maxOutputLength: limit + 65536 };
  try {
    if (body[0] === 0) return body.subarray(1);
    if (body[0] === 1) return inflateRawSync(body.subarray(1), options);
    if (body[0] === 2) return inflateSync(body.subarray(1), options);
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE')
      throw new CoppiceError('Limit', `OpenPGP message: more than ${limit} bytes`, { cause: error });
    throw new CoppiceError('Corrupt', 'OpenPGP message: compressed data is damaged', { cause: error });
  }
  throw new CoppiceError('Unsupported', `OpenPGP message: compression ${body[0] ?? '?'}`);
}
