import { toHex } from '@coppice/base';

/** Public-key algorithm names as GPGME prints them (`gpgme_pubkey_algo_name`). */
const publicKeyNames: Readonly<Record<number, string>> = {
  1: 'RSA',
  2: 'RSA-E',
  3: 'RSA-S',
  16: 'ELG-E',
  17: 'DSA',
  18: 'ECDH',
  19: 'ECDSA',
  20: 'ELG',
  22: 'EdDSA',
};

/** Hash algorithms: the OpenPGP number, GPGME's name, Node's name. */
const hashes: readonly { id: number; name: string; node: string }[] = [
  { id: 1, name: 'MD5', node: 'md5' },
  { id: 2, name: 'SHA1', node: 'sha1' },
  { id: 3, name: 'RIPEMD160', node: 'ripemd160' },
  { id: 8, name: 'SHA256', node: 'sha256' },
  { id: 9, name: 'SHA384', node: 'sha384' },
  { id: 10, name: 'SHA512', node: 'sha512' },
  { id: 11, name: 'SHA224', node: 'sha224' },
];

const curves: Readonly<Record<string, { jwk: string; size: number }>> = {
  '2a8648ce3d030107': { jwk: 'P-256', size: 32 },
  '2b81040022': { jwk: 'P-384', size: 48 },
  '2b81040023': { jwk: 'P-521', size: 66 },
  '2b8104000a': { jwk: 'secp256k1', size: 32 },
};

export const ed25519Oid = Uint8Array.of(0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01);

export function publicKeyAlgorithmName(id: number): string {
  return publicKeyNames[id] ?? '[unknown]';
}
export function hashAlgorithmName(id: number): string {
  return hashes.find((h) => h.id === id)?.name ?? '[unknown]';
}
/** Node's digest name, or undefined for algorithms that no verifier should accept. */
export function nodeHash(id: number): string | undefined {
  return hashes.find((h) => h.id === id)?.node;
}
export function hashId(node: string): number | undefined {
  return hashes.find((h) => h.node === node)?.id;
}
export function curveOfOid(oid: Uint8Array): { jwk: string; size: number } | undefined {
  return curves[toHex(oid)];
}
