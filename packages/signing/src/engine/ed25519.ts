import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { CoppiceError, toHex } from '@coppice/base';
import type { SignEngine } from './engine.ts';

function decode(text: string, sizes: readonly number[], what: string): Buffer {
  const bytes = Buffer.from(text.trim(), 'base64');
  if (!sizes.includes(bytes.length) || !/^[A-Za-z0-9+/=\s]*$/.test(text)) {
    throw new CoppiceError('Invalid', `ed25519: incorrect ${what} key: expected ${sizes.join(' or ')} bytes`);
  }
  return bytes;
}

/** Ed25519: secret = base64 of seed and public key (64 bytes; a 32-byte seed alone is taken too), public = base64 of 32 bytes. */
export const ed25519Engine: SignEngine = {
  name: 'ed25519',
  metadataKey: 'ostree.sign.ed25519',
  metadataType: 'aay',
  sign(secretKey, data) {
    const seed = decode(secretKey, [64, 32], 'secret').subarray(0, 32);
    const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
    return sign(null, data, createPrivateKey({ key: Buffer.concat([prefix, seed]), format: 'der', type: 'pkcs8' }));
  },
  publicKey: (text) => decode(text, [32], 'public'),
  verify(publicKey, data, signature) {
    if (signature.length !== 64 || publicKey.length !== 32) return false;
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') },
      format: 'jwk',
    });
    return verify(null, data, key, signature);
  },
  describeKey: toHex,
  verifiedText: (publicKey) => `ed25519: Signature verified successfully with key '${toHex(publicKey)}'`,
  keysInFile: (text) =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
};
