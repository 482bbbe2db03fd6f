// @coppice/signing: OpenPGP detached signatures and keyrings (RFC 4880, as gpg makes and judges them), and the raw-key
// engines of OSTree's sign API (ed25519, spki, dummy). Bytes in, values out; the gpg program is never needed.

// OSTree's sign API engines.
export type { SignEngine } from './engine/engine.ts';
export { signEngine, signEngineNames } from './engine/engine.ts';
// GnuPG home directories, read without gpg.
export { defaultGpgHome, gpgHomeKeyring, gpgHomeKeys, loadGpgHomeKey } from './gpg-home.ts';
export type { ArmorKind } from './openpgp/armor.ts';
// OpenPGP text armor.
export { armor, dearmor, isArmored } from './openpgp/armor.ts';
export type { Certificate, KeyStanding, UserId } from './openpgp/certificate.ts';
// Keyrings.
export { parseCertificates, splitUserId } from './openpgp/certificate.ts';
// One signature packet over a stream (what RPM headers hold).
export { SignatureCheck } from './openpgp/digest.ts';
export type { GeneratedKey, GenerateOptions } from './openpgp/generate.ts';
// Making keys and signatures.
export { generateKey } from './openpgp/generate.ts';
export { Keyring } from './openpgp/keyring.ts';
// Importing into keyring files; where keys can be looked up.
export { importKeys } from './openpgp/merge.ts';
export type { Packet } from './openpgp/packet.ts';
// Packets, for those who need to look inside.
export { packetTag, readPackets, writePacket } from './openpgp/packet.ts';
export type { PublicKey } from './openpgp/public-key.ts';
export { parsePublicKey } from './openpgp/public-key.ts';
export type { SecretKeyOptions, SigningKey } from './openpgp/secret-key.ts';
export { loadSigningKey } from './openpgp/secret-key.ts';
export type { SignOptions } from './openpgp/sign.ts';
export { sign } from './openpgp/sign.ts';
export type { Signature } from './openpgp/signature.ts';
export { parseSignature, parseSignatures, signatureHead, signatureType } from './openpgp/signature.ts';
export type { SignedMessage } from './openpgp/signed-message.ts';
// Messages that hold what they sign.
export { openSignedMessage } from './openpgp/signed-message.ts';
export type { VerifyOptions, VerifyResult } from './openpgp/verify.ts';
// Verifying detached signatures.
export { Verification, verify } from './openpgp/verify.ts';
export { webKeyUrls, zbase32 } from './openpgp/web-key-directory.ts';
