import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { nativeGzip } from '../src/index.ts';

const present = nativeGzip(Buffer.alloc(0), 6) !== undefined;

describe.skipIf(!present)("gzip on Node's threads (skipped where its zlib cannot be called)", () => {
  it('is what node:zlib makes of the same bytes', async () => {
    for (const level of [1, 6, 9])
      for (const bytes of [Buffer.alloc(0), randomBytes(100_000), Buffer.from('some text '.repeat(50_000))]) {
        const packed = await nativeGzip(bytes, level)!;
        expect(gunzipSync(packed).equals(bytes)).toBe(true);
        if (level === 6) expect(Buffer.compare(packed, gzipSync(bytes, { level }))).toBe(0);
      }
  });

  it('keeps several documents apart', async () => {
    const documents = Array.from({ length: 8 }, (_, i) => Buffer.from(`document ${i} `.repeat(10_000 * (i + 1))));
    const packed = await Promise.all(documents.map((bytes) => nativeGzip(bytes, 6)!));
    packed.forEach((bytes, i) => {
      expect(gunzipSync(bytes).equals(documents[i]!)).toBe(true);
    });
  });
});
