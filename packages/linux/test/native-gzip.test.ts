import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { NativeGzip } from '../src/index.ts';

const present = NativeGzip.start(6) !== undefined;

/** `bytes` in pieces of `size`. */
async function packed(bytes: Buffer, level: number, size: number): Promise<Buffer> {
  const gzip = NativeGzip.start(level)!;
  for (let at = 0; at < bytes.length; at += size) {
    gzip.write(bytes.subarray(at, at + size));
    if (at % 3 === 0) await new Promise(setImmediate);
  }
  return gzip.finish();
}

describe.skipIf(!present)("gzip on Node's threads (skipped where its zlib cannot be called)", () => {
  it('is what node:zlib makes of the same bytes', async () => {
    for (const level of [1, 6, 9])
      for (const bytes of [Buffer.alloc(0), randomBytes(300_000), Buffer.from('some text '.repeat(50_000))]) {
        const whole = await packed(bytes, level, Number.MAX_SAFE_INTEGER);
        expect(gunzipSync(whole).equals(bytes)).toBe(true);
        if (level === 6) expect(Buffer.compare(whole, gzipSync(bytes, { level }))).toBe(0);
        const pieces = await packed(bytes, level, 50_021);
        expect(gunzipSync(pieces).equals(bytes)).toBe(true);
      }
  });

  it('takes the last piece with the end', async () => {
    const bytes = Buffer.from('some other text '.repeat(20_000));
    for (const before of [0, 1, 100_000, bytes.length]) {
      const gzip = NativeGzip.start(6)!;
      gzip.write(bytes.subarray(0, before));
      const whole = await gzip.finish(bytes.subarray(before));
      expect(gunzipSync(whole).equals(bytes)).toBe(true);
    }
  });

  it('keeps several documents apart', async () => {
    const documents = Array.from({ length: 8 }, (_, i) => Buffer.from(`document ${i} `.repeat(10_000 * (i + 1))));
    const all = await Promise.all(documents.map((bytes) => packed(bytes, 6, 65_536)));
    all.forEach((bytes, i) => {
      expect(gunzipSync(bytes).equals(documents[i]!)).toBe(true);
    });
  });

  it('goes on where its room ends with a piece', async () => {
    // Stored blocks: as many bytes come out as go in, and a few more.
    const bytes = randomBytes(400_000);
    for (const size of [16_384, 32_767, 65_536, 131_072])
      expect(gunzipSync(await packed(bytes, 1, size)).equals(bytes)).toBe(true);
  });

  it('can be given up at any time', async () => {
    const idle = NativeGzip.start(6)!;
    idle.abandon();
    const busy = NativeGzip.start(6)!;
    busy.write(randomBytes(1_000_000));
    busy.write(randomBytes(1_000_000));
    busy.abandon();
    await expect(busy.finish()).rejects.toThrow('given up');
  });

  it('refuses levels that there are not', () => {
    expect(NativeGzip.start(10)).toBeUndefined();
  });
});
