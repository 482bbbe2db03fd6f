import { CoppiceError } from '@coppice/base';
import type { SignEngine } from './engine.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/**
 * The test-only engine: key and signature are the same string. Without `OSTREE_DUMMY_SIGN_ENABLED` every use is
 * refused, as in the original.
 */
export function dummyEngine(env: Readonly<Record<string, string | undefined>>): SignEngine {
  const check = (): void => {
    if (!env['OSTREE_DUMMY_SIGN_ENABLED'])
      throw new CoppiceError('Unsupported', 'dummy signature type is only for ostree testing');
  };
  return {
    name: 'dummy',
    metadataKey: 'ostree.sign.dummy',
    metadataType: 'aay',
    sign(secretKey) {
      check();
      return bytes(secretKey);
    },
    publicKey: bytes,
    verify(publicKey, _data, signature) {
      check();
      return Buffer.from(publicKey).equals(signature);
    },
    describeKey: (key) => Buffer.from(key).toString('utf8'),
    verifiedText: () => 'dummy: Signature verified',
    failedText: (count) => `signature: dummy: incorrect signatures found: ${count}`,
    keysInFile: (text) => text.split('\n').filter((line) => line !== ''),
  };
}
