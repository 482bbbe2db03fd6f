import { gunzipSync, gzipSync } from 'node:zlib';
import { crc32, gunzip, gzipBest } from '@coppice/ignition';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const repetitive = fc
  .tuple(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 400 }), fc.uint8Array({ maxLength: 300 }))
  .map(([part, times, tail]) => Buffer.concat([...Array(times).fill(part), tail]));

describe('gzip', () => {
  it('makes what zlib reads', () => {
    fc.assert(
      fc.property(repetitive, (bytes) => {
        expect(Buffer.compare(gunzipSync(gzipBest(bytes)), bytes)).toBe(0);
      }),
      { seed: 1, numRuns: 150 },
    );
  });

  it('does not depend on what was compressed before', () => {
    const a = Buffer.from('abcabcabcabc hello hello '.repeat(50));
    const first = gzipBest(a);
    gzipBest(Buffer.from('hello hello abcabc '.repeat(9000)));
    expect(Buffer.compare(gzipBest(a), first)).toBe(0);
  });

  it('reads what zlib makes', () => {
    fc.assert(
      fc.property(repetitive, fc.constantFrom(0, 1, 6, 9), (bytes, level) => {
        expect(Buffer.compare(Buffer.from(gunzip(gzipSync(bytes, { level }))!), bytes)).toBe(0);
      }),
      { seed: 2, numRuns: 150 },
    );
  });

  it('refuses what is broken or too large', () => {
    const good = gzipSync('x'.repeat(1000));
    expect(gunzip(good, 1000)?.length).toBe(1000);
    expect(gunzip(good, 999)).toBeUndefined();
    for (let cut = 0; cut < good.length; cut++) expect(gunzip(good.subarray(0, cut))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        gunzip(Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, ...bytes]), 1 << 20);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('knows the check value of CRC-32', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
  });
});
