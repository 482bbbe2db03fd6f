import { hash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nativeDigest } from '../src/index.ts';

describe.skipIf(nativeDigest('sha256') === undefined)(
  "digests on Node's threads (skipped where OpenSSL's functions cannot be called)",
  () => {
    it('are what node:crypto makes of the same pieces', async () => {
      for (const algorithm of ['sha1', 'sha256', 'sha512']) {
        const pieces = [randomBytes(1), randomBytes(70_000), Buffer.alloc(0), randomBytes(3_000_000)];
        const digest = nativeDigest(algorithm)!;
        for (const piece of pieces) await digest.update(piece);
        expect(digest.hex()).toBe(hash(algorithm, Buffer.concat(pieces)));
        digest.free();
        digest.free();
      }
    });

    it('run side by side', async () => {
      const bytes = randomBytes(1_000_000);
      const results = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const digest = nativeDigest('sha256')!;
          await digest.update(bytes);
          const hex = digest.hex();
          digest.free();
          return hex;
        }),
      );
      expect(new Set(results)).toEqual(new Set([hash('sha256', bytes)]));
    });

    it('know no made-up algorithm', () => {
      expect(nativeDigest('sha257')).toBeUndefined();
    });
  },
);
