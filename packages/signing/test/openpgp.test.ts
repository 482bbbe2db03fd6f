import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  armor,
  dearmor,
  generateKey,
  Keyring,
  packetTag,
  parseSignatures,
  readPackets,
  sign,
  signEngine,
  verify,
  zbase32,
} from '../src/index.ts';

const data = Buffer.from('the signed bytes');
const key = generateKey({ userId: 'A B (note) <a@example.com>', created: 1_700_000_000 });
const other = generateKey({ userId: 'other', created: 1_700_000_000 });
const signature = sign(key.secretKey, data, { created: 1_700_000_100 });

test('a signature says who made it and when', () => {
  const [result] = verify(signature, key.publicKey, data);
  expect(result).toMatchObject({
    valid: true,
    fingerprint: key.fingerprint,
    primaryFingerprint: key.fingerprint,
    timestamp: 1_700_000_100,
    userName: 'A B',
    userEmail: 'a@example.com',
    publicKeyAlgorithm: 'EdDSA',
    hashAlgorithm: 'SHA512',
  });
});

test('other bytes, other key, no key', () => {
  expect(verify(signature, key.publicKey, Buffer.from('other'))[0]).toMatchObject({ valid: false, bad: true });
  expect(verify(signature, other.publicKey, data)[0]).toMatchObject({ valid: false, keyMissing: true });
  expect(verify(signature, new Uint8Array(0), data)[0]).toMatchObject({ keyMissing: true });
});

test('an expired signature and one older than its key are not valid', () => {
  const clock = { now: () => 1_700_000_500_000 };
  const brief = sign(key.secretKey, data, { created: 1_700_000_100, expiresAfter: 60 });
  expect(verify(brief, key.publicKey, data, { clock })[0]).toMatchObject({ valid: false, signatureExpired: true });
  const early = sign(key.secretKey, data, { created: 1_600_000_000 });
  expect(verify(early, key.publicKey, data)[0]).toMatchObject({ valid: false, bad: true });
});

test('several signatures give several results', () => {
  const both = Buffer.concat([signature, sign(other.secretKey, data)]);
  expect(verify(both, [key.publicKey, other.publicKey], data).map((r) => r.valid)).toEqual([true, true]);
});

test('a user ID without a valid self-signature gives a key no standing', () => {
  // The other key's certification over this key's packets: the key packet of one, the user ID and signature of the other.
  const [own, ...rest] = [...readPackets(key.publicKey)];
  const [, ...foreign] = [...readPackets(other.publicKey)];
  expect(rest[0]?.tag).toBe(packetTag.userId);
  const forged = Buffer.concat([own!, ...foreign].map((packet) => packet.raw));
  expect(verify(signature, forged, data)[0]?.valid).toBe(false);
});

test('armor round trip, with text around it, and a damaged checksum', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
      const text = `intro\n${armor('SIGNATURE', bytes)}outro\n`;
      expect(Buffer.from(dearmor(Buffer.from(text)))).toEqual(Buffer.from(bytes));
    }),
    { seed: 1, numRuns: 50 },
  );
  const text = armor('SIGNATURE', signature).replace(/^=..../m, '=AAAA');
  expect(() => dearmor(Buffer.from(text))).toThrow('checksum mismatch');
});

test('damaged packets are refused or fail to verify, and never crash', () => {
  fc.assert(
    fc.property(fc.nat(signature.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Uint8Array.from(signature);
      damaged[at]! ^= change;
      try {
        const results = verify(damaged, key.publicKey, data);
        // The unhashed area and the digest hint may change without harm; nothing else may.
        if (results.some((r) => r.valid))
          expect(Buffer.from(parseSignatures(damaged)[0]!.trailer)).toEqual(
            Buffer.from(parseSignatures(signature)[0]!.trailer),
          );
      } catch (error) {
        expect((error as { code: string }).code).toMatch(/Corrupt|Unsupported/);
      }
    }),
    { seed: 2, numRuns: 300 },
  );
});

test('a damaged keyring never makes a wrong signature valid', () => {
  fc.assert(
    fc.property(fc.nat(key.publicKey.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Uint8Array.from(key.publicKey);
      damaged[at]! ^= change;
      try {
        expect(verify(signature, new Keyring(damaged), Buffer.from('else')).every((r) => !r.valid)).toBe(true);
      } catch (error) {
        expect((error as { code: string }).code).toMatch(/Corrupt|Unsupported/);
      }
    }),
    { seed: 3, numRuns: 300 },
  );
});

test('z-base-32 of the published example', () => {
  // draft-koch-openpgp-webkey-service: joe.doe@example.org
  expect(zbase32(Buffer.from('d81a1f2c', 'hex')).length).toBe(7);
});

test('raw-key engines', () => {
  const ed25519 = signEngine('ed25519');
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
  const pub = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
  // RFC 8032 section 7.1, test 1.
  const made = ed25519.sign(Buffer.concat([seed, pub]).toString('base64'), new Uint8Array(0));
  expect(Buffer.from(made).toString('hex').slice(0, 16)).toBe('e5564300c360ac72');
  const publicKey = ed25519.publicKey(pub.toString('base64'));
  expect(ed25519.verify(publicKey, new Uint8Array(0), made)).toBe(true);
  expect(ed25519.verify(publicKey, Uint8Array.of(1), made)).toBe(false);
  expect(() => ed25519.publicKey('abc')).toThrow('incorrect public key');
  expect(() => signEngine('nope')).toThrow('Requested signature type is not implemented');
  expect(() => signEngine('dummy', {}).sign('k', data)).toThrow('only for ostree testing');
  const spki = signEngine('spki');
  const pem =
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n';
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), pub]).toString('base64');
  expect(spki.verify(spki.publicKey(der), data, spki.sign(pem, data))).toBe(true);
});
