import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { CoppiceError, toHex } from '@coppice/base';
import type { SignEngine } from './engine.ts';

function pemBlocks(text: string, label: string): Buffer[] {
  const pattern = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]*)-----END ${label}-----`, 'g');
  return [...text.matchAll(pattern)].map((match) => Buffer.from(match[1]!, 'base64'));
}

function der(text: string, label: string): Buffer {
  const [block] = pemBlocks(text, label);
  return block ?? Buffer.from(text.trim(), 'base64');
}

function load(make: () => KeyObject, what: string): KeyObject {
  try {
    const key = make();
    if (key.asymmetricKeyType === 'ed25519' || key.asymmetricKeyType === 'ed448') return key;
  } catch (error) {
    throw new CoppiceError('Invalid', `spki: incorrect ${what} key`, { cause: error });
  }
  // Keys that need a digest cannot sign in one shot in the original either.
  throw new CoppiceError('Unsupported', `spki: ${what} key: only Ed25519 and Ed448 sign without a digest`);
}

/** Keys as SubjectPublicKeyInfo and PKCS#8, in PEM or base64 DER. */
export const spkiEngine: SignEngine = {
  name: 'spki',
  metadataKey: 'ostree.sign.spki',
  metadataType: 'aay',
  sign(secretKey, data) {
    const key = der(secretKey, 'PRIVATE KEY');
    return sign(
      null,
      data,
      load(() => createPrivateKey({ key, format: 'der', type: 'pkcs8' }), 'secret'),
    );
  },
  publicKey(text) {
    const key = der(text, 'PUBLIC KEY');
    load(() => createPublicKey({ key, format: 'der', type: 'spki' }), 'public');
    return key;
  },
  verify(publicKey, data, signature) {
    try {
      const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
      return verify(null, data, key, signature);
    } catch {
      return false;
    }
  },
  describeKey: (publicKey) => toHex(createHash('sha256').update(publicKey).digest()),
  verifiedText: (publicKey) =>
    `spki: Signature verified successfully with key '${toHex(createHash('sha256').update(publicKey).digest())}'`,
  keysInFile(text) {
    const blocks = pemBlocks(text, 'PUBLIC KEY').map((block) => block.toString('base64'));
    return blocks.length > 0
      ? blocks
      : text
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== '');
  },
};
