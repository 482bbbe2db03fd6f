import { concatBytes } from '@coppice/base';
import { SignatureCheck } from './digest.ts';
import { packetTag, readPackets } from './packet.ts';
import { keyHashPrefix, type PublicKey, parsePublicKey } from './public-key.ts';
import { parseSignature, type Signature, signatureType } from './signature.ts';

/** What the key's owner has said about a key, after checking the self-signatures. Times are seconds, 0 = never. */
export interface KeyStanding {
  readonly key: PublicKey;
  readonly revoked: boolean;
  readonly revocationReason: { readonly code: number; readonly text: string } | undefined;
  readonly expires: number;
  /** Bound to its primary by a valid signature (always true for primaries with a valid self-signature). */
  readonly bound: boolean;
  readonly canSign: boolean;
}

export interface UserId {
  readonly text: string;
  readonly name: string;
  readonly email: string;
  readonly comment: string;
  readonly revoked: boolean;
  /** False when no valid self-signature covers it; such user IDs are not shown by gpg. */
  readonly valid: boolean;
  readonly created: number;
  readonly primary: boolean;
}

/** A transferable public key: primary, user IDs, subkeys. */
export interface Certificate {
  readonly primary: KeyStanding;
  readonly subkeys: readonly KeyStanding[];
  /** As gpg lists them: the primary user ID first. */
  readonly userIds: readonly UserId[];
  /** The packets as they came (trust packets left out), for export and import. */
  readonly raw: Uint8Array;
}

interface Component {
  key?: PublicKey;
  userId?: string;
  hashPrefix: Uint8Array;
  signatures: Signature[];
}

/** `Name (Comment) <mail>` taken apart as GPGME does. */
export function splitUserId(text: string): { name: string; comment: string; email: string } {
  const bare = /^[^\s<>()]+@[^\s<>()]+$/.test(text);
  if (bare) return { name: '', comment: '', email: text };
  const match = /^(.*?)\s*(?:\(([^)]*)\))?\s*(?:<([^>]*)>)?\s*$/s.exec(text);
  return { name: match?.[1]?.trim() ?? text, comment: match?.[2] ?? '', email: match?.[3] ?? '' };
}

function userIdPrefix(tag: number, body: Uint8Array): Uint8Array {
  const n = body.length;
  const head = Uint8Array.of(
    tag === packetTag.userId ? 0xb4 : 0xd1,
    n >>> 24,
    (n >> 16) & 255,
    (n >> 8) & 255,
    n & 255,
  );
  return concatBytes([head, body]);
}

/** True when `signature` is mathematically made by `by` over the joined parts. */
function holds(signature: Signature, by: PublicKey, parts: readonly Uint8Array[]): boolean {
  if (signature.unknownCritical) return false;
  try {
    const check = new SignatureCheck(signature);
    for (const part of parts) check.update(part);
    return check.check(by);
  } catch {
    return false;
  }
}

function isSelf(signature: Signature, key: PublicKey): boolean {
  return signature.issuer === key.keyId || signature.issuer === undefined;
}

function newest(signatures: readonly Signature[]): Signature | undefined {
  let best: Signature | undefined;
  for (const signature of signatures) if (best === undefined || signature.created >= best.created) best = signature;
  return best;
}

const isCertification = (type: number): boolean => type >= 0x10 && type <= 0x13;

function buildPrimary(key: PublicKey, direct: readonly Signature[], selfSignatures: readonly Signature[]): KeyStanding {
  const prefix = keyHashPrefix(key);
  const self = direct.filter((s) => isSelf(s, key) && holds(s, key, [prefix]));
  const revocation = newest(self.filter((s) => s.type === signatureType.keyRevocation));
  const said = newest([...self.filter((s) => s.type === signatureType.direct), ...selfSignatures]);
  const after = said?.keyExpiresAfter ?? 0;
  return {
    key,
    revoked: revocation !== undefined,
    revocationReason: revocation?.revocationReason,
    expires: after === 0 ? 0 : key.created + after,
    bound: said !== undefined,
    canSign: said?.keyFlags === undefined ? key.algorithm !== 16 && key.algorithm !== 18 : (said.keyFlags & 2) !== 0,
  };
}

function buildSubkey(primary: PublicKey, subkey: Component): KeyStanding {
  const key = subkey.key!;
  const parts = [keyHashPrefix(primary), keyHashPrefix(key)];
  const own = subkey.signatures.filter((s) => isSelf(s, primary) && holds(s, primary, parts));
  const binding = newest(own.filter((s) => s.type === signatureType.subkeyBinding));
  const revocation = newest(own.filter((s) => s.type === signatureType.subkeyRevocation));
  const after = binding?.keyExpiresAfter ?? 0;
  let canSign =
    binding?.keyFlags === undefined ? key.algorithm !== 16 && key.algorithm !== 18 : (binding.keyFlags & 2) !== 0;
  if (canSign && binding !== undefined) canSign = crossCertified(binding, key, parts);
  return {
    key,
    revoked: revocation !== undefined,
    revocationReason: revocation?.revocationReason,
    expires: after === 0 ? 0 : key.created + after,
    bound: binding !== undefined,
    canSign,
  };
}

/** A signing subkey must sign its primary back, else anybody could adopt it. */
function crossCertified(binding: Signature, subkey: PublicKey, parts: readonly Uint8Array[]): boolean {
  if (binding.embedded === undefined) return false;
  try {
    const back = parseSignature(binding.embedded);
    return back.type === signatureType.primaryKeyBinding && holds(back, subkey, parts);
  } catch {
    return false;
  }
}

function buildCertificate(components: readonly Component[], raw: Uint8Array): Certificate {
  const [main, ...rest] = components;
  const key = main!.key!;
  const prefix = keyHashPrefix(key);
  const selfSignatures: Signature[] = [];
  const userIds: UserId[] = [];
  for (const component of rest) {
    if (component.userId === undefined) continue;
    const own = component.signatures.filter((s) => isSelf(s, key) && holds(s, key, [prefix, component.hashPrefix]));
    const certification = newest(own.filter((s) => isCertification(s.type)));
    const revocation = newest(own.filter((s) => s.type === signatureType.certRevocation));
    const revoked = revocation !== undefined && revocation.created >= (certification?.created ?? 0);
    if (certification !== undefined && !revoked) selfSignatures.push(certification);
    userIds.push({
      text: component.userId,
      ...splitUserId(component.userId),
      revoked,
      valid: certification !== undefined,
      created: certification?.created ?? 0,
      primary: certification?.primaryUserId ?? false,
    });
  }
  const first = [...userIds]
    .filter((u) => u.valid && !u.revoked)
    .sort((a, b) => Number(b.primary) - Number(a.primary) || b.created - a.created)[0];
  const ordered = first === undefined ? userIds : [first, ...userIds.filter((u) => u !== first)];
  return {
    primary: buildPrimary(key, main!.signatures, selfSignatures),
    subkeys: rest.filter((c) => c.key !== undefined).map((c) => buildSubkey(key, c)),
    userIds: ordered,
    raw,
  };
}

/**
 * Reads the certificates of a keyring (binary packets; secret keyrings give their public halves). A key whose version
 * or algorithm is unknown is skipped with everything that belongs to it, as gpg does. Throws `Corrupt` on bad framing.
 */
export function parseCertificates(bytes: Uint8Array): Certificate[] {
  const out: Certificate[] = [];
  let components: Component[] = [];
  let parts: Uint8Array[] = [];
  const finish = (): void => {
    if (components.length > 0) out.push(buildCertificate(components, concatBytes(parts)));
    components = [];
    parts = [];
  };
  let skipping = false;
  for (const packet of readPackets(bytes)) {
    const isPrimary = packet.tag === packetTag.publicKey || packet.tag === packetTag.secretKey;
    if (isPrimary) {
      finish();
      skipping = false;
    }
    if (packet.tag === packetTag.trust || packet.tag === packetTag.marker || skipping) continue;
    if (!isPrimary && components.length === 0) continue;
    try {
      if (isPrimary || packet.tag === packetTag.publicSubkey || packet.tag === packetTag.secretSubkey) {
        const key = parsePublicKey(packet.body);
        components.push({ key, hashPrefix: keyHashPrefix(key), signatures: [] });
      } else if (packet.tag === packetTag.userId) {
        const text = Buffer.from(packet.body).toString('utf8');
        components.push({ userId: text, hashPrefix: userIdPrefix(packet.tag, packet.body), signatures: [] });
      } else if (packet.tag === packetTag.userAttribute) {
        components.push({ hashPrefix: userIdPrefix(packet.tag, packet.body), signatures: [] });
      } else if (packet.tag === packetTag.signature) {
        components.at(-1)!.signatures.push(parseSignature(packet.body, packet.raw));
      }
    } catch {
      if (isPrimary) skipping = true;
      // An unreadable subkey must not collect the signatures meant for it under its neighbour.
      else if (packet.tag !== packetTag.signature) components.push({ hashPrefix: new Uint8Array(0), signatures: [] });
      if (skipping) continue;
    }
    parts.push(packet.raw);
  }
  finish();
  return out;
}
