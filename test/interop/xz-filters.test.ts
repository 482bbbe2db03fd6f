import { readFileSync } from 'node:fs';
import { decompress, decompressBytes } from '@coppice/archive';
import { isCoppiceError } from '@coppice/base';
import { systemXzDecoder } from '@coppice/linux';
import { describe, expect, it } from 'vitest';
import { call, missing, output } from './rpm-support.ts';

const filters = [
  '--x86',
  '--x86=start=4096',
  '--powerpc',
  '--ia64',
  '--arm',
  '--armthumb',
  '--arm64',
  '--sparc',
  '--delta=dist=4',
  '--delta=dist=256',
  '--x86 --delta=dist=2',
  '--delta=dist=1 --arm --delta=dist=3',
];

function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}

/** Bytes that look like branches to every converter, with real code before them. */
function code(): Buffer {
  const random = numbers(7);
  const opcodes = [0xe8, 0xe9, 0, 0xff, 0xeb, 0x94, 0x40, 0x7f, 0x48, 0x10, 0x90, 0xf0, 0xf8, 1, 5];
  const soup = Array.from({ length: 100_003 }, () => (random(4) > 0 ? opcodes[random(opcodes.length)]! : random(256)));
  return Buffer.concat([readFileSync('/bin/sh').subarray(0, 100_000), Buffer.from(soup)]);
}

/** The decoder of the system where there is one; ours elsewhere. */
const native = (source: Iterable<Uint8Array>): Iterable<Uint8Array> =>
  decompress(source, 'xz', { xz: systemXzDecoder });

function accepts(decode: () => unknown): boolean {
  try {
    decode();
    return true;
  } catch (error) {
    if (!isCoppiceError(error) || error.kind !== 'input') throw error;
    return false;
  }
}

const pack = (data: Uint8Array, ...options: readonly string[]): Buffer =>
  output('xz', ['-c', ...options, '--lzma2=preset=0'], data);

describe.skipIf(missing('xz') !== undefined)('xz data with filters', () => {
  it('of every instruction set, check and size is what went in', () => {
    const whole = code();
    for (const filter of filters)
      for (const [i, data] of [whole, whole.subarray(0, 3), whole.subarray(0, 0)].entries())
        for (const check of i === 0 ? ['crc64'] : ['none', 'crc32', 'crc64', 'sha256']) {
          const packed = pack(data, '-C', check, ...filter.split(' '));
          expect(Buffer.from(decompressBytes(packed, 'xz', 1e6)).equals(data), `${filter} ${check}`).toBe(true);
          expect(Buffer.concat([...native([packed])]).equals(data), `${filter} ${check}`).toBe(true);
        }
  });

  it('in several blocks and streams with padding between them', () => {
    const data = code();
    const packed = pack(data, '--x86', '--block-size=30000');
    const twice = Buffer.concat([packed, Buffer.alloc(8), packed]);
    expect(Buffer.from(decompressBytes(twice, 'xz', 1e6)).equals(Buffer.concat([data, data]))).toBe(true);
    const pieces = Array.from({ length: Math.ceil(twice.length / 999) }, (_, i) =>
      twice.subarray(i * 999, i * 999 + 999),
    );
    expect(Buffer.concat([...native(pieces)]).equals(Buffer.concat([data, data]))).toBe(true);
  });

  it('damaged: refused where xz refuses it, in typed errors', () => {
    const random = numbers(3);
    const whole = code();
    for (const filter of filters) {
      const good = pack(whole.subarray(0, 2000), ...filter.split(' '));
      for (let n = 0; n < 12; n++) {
        const bad = Buffer.from(good);
        bad[n < 6 ? random(40) : random(bad.length)]! ^= 1 + random(255);
        const theirs = call('xz', ['-t'], bad);
        for (const decode of [() => decompressBytes(bad, 'xz', 1e6), () => [...native([bad])]])
          expect(accepts(decode), `${filter} ${n} ${theirs.stderr}`).toBe(theirs.status === 0);
      }
    }
  });
});
