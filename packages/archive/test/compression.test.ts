import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isCoppiceError } from '@coppice/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Compression, compressBytes, decompress, decompressBytes, detectCompression } from '../src/index.ts';

const kinds: readonly Compression[] = ['gzip', 'zstd', 'xz', 'lzma', 'bzip2'];
const text = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `line ${i % 977}\n`).join(''));

/** Cuts bytes into pieces of odd sizes. */
function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe.each(kinds)('%s', (kind) => {
  it('gives back what went in, whatever the pieces', () => {
    for (const data of [Buffer.alloc(0), Buffer.from('a'), text, Buffer.alloc(300_000)]) {
      const packed = compressBytes(data, kind);
      for (const size of [1, 7, 4096].filter((s) => packed.length / s < 20_000)) {
        const parts: Buffer[] = [];
        for (const piece of decompress(pieces(packed, size), kind)) parts.push(Buffer.from(piece));
        expect(Buffer.concat(parts).equals(data)).toBe(true);
      }
    }
  });

  it('round-trips random bytes', () => {
    const mixed = fc.array(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(500))), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(mixed, (parts) => {
        const data = Buffer.concat(parts);
        const packed = compressBytes(data, kind);
        if (kind !== 'lzma') expect(detectCompression(packed)).toBe(kind);
        expect(Buffer.compare(decompressBytes(packed, kind, data.length), data)).toBe(0);
      }),
      { seed: 1, numRuns: 40 },
    );
  });

  it('refuses truncated input with a typed error', () => {
    const packed = compressBytes(text, kind);
    for (const length of [0, 1, 5, 12, packed.length >> 1, packed.length - 1]) {
      expect(() => decompressBytes(packed.subarray(0, length), kind, 1e8)).toThrowError(
        expect.objectContaining({ code: 'Corrupt' }),
      );
    }
  });

  it('answers damage with typed errors only', () => {
    const packed = compressBytes(text.subarray(0, 20_000), kind);
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bad = Buffer.from(packed);
        bad[at]! ^= flip;
        try {
          decompressBytes(bad, kind, 1e6);
        } catch (error) {
          expect(isCoppiceError(error) && error.kind === 'input').toBe(true);
        }
      }),
      { seed: 2, numRuns: 150 },
    );
  });

  it('stops at the limit', () => {
    const bomb = compressBytes(Buffer.alloc(50_000_000), kind, { level: 1 });
    expect(bomb.length).toBeLessThan(300_000);
    expect(() => decompressBytes(bomb, kind, 1_000_000)).toThrowError(expect.objectContaining({ code: 'Limit' }));
  });
});

it('knows several members or streams in a row', () => {
  for (const kind of ['gzip', 'zstd', 'xz', 'bzip2'] as const) {
    const one = compressBytes(Buffer.from('first\n'), kind);
    const two = compressBytes(Buffer.from('second\n'), kind);
    expect(Buffer.from(decompressBytes(Buffer.concat([one, two]), 'auto', 100)).toString()).toBe('first\nsecond\n');
  }
});

it.each(['gzip', 'zstd'] as const)(
  'keeps nothing of finished or broken %s streams while the event loop waits',
  (kind) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const packed = compressBytes(text, kind);
    const broken = packed.subarray(0, packed.length >> 1);
    const held = (): number => {
      // What the engine's handles held goes after they went.
      for (let i = 0; i < 3; i++) collect();
      return process.memoryUsage().arrayBuffers;
    };
    const before = held();
    for (let i = 0; i < 100; i++) {
      for (const piece of decompress([packed], kind)) void piece;
      expect(() => decompressBytes(broken, kind, text.length)).toThrow();
    }
    // One buffer of each would be 12 MB.
    expect(held() - before).toBeLessThan(3_000_000);
  },
);
