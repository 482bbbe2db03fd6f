import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { padSha256, Sha256Lanes, sha256Block, sha256Lanes, sha256Padding } from '../src/index.ts';

const present = Sha256Lanes.start() !== undefined;

/** A message of bytes that look random, with its padding. */
function padded(length: number): { readonly bytes: Buffer; readonly end: number; readonly digest: string } {
  const bytes = Buffer.allocUnsafeSlow(length + sha256Padding);
  const message = Buffer.from(Uint8Array.from({ length }, (_, i) => (Math.imul(i + length, 2654435761) >>> 13) & 255));
  message.copy(bytes);
  return { bytes, end: padSha256(bytes, length, length), digest: hash('sha256', message) };
}

describe.skipIf(!present)('SHA-256 of several messages at once (skipped where Node has no function for it)', () => {
  it('is that of each message, whatever the lengths beside it', () => {
    const lanes = Sha256Lanes.start()!;
    for (let round = 0; round < 40; round++) {
      const messages = Array.from({ length: 1 + (round % sha256Lanes) }, (_, i) => padded((round * 37 + i * 53) % 700));
      for (let lane = 0; lane < sha256Lanes; lane++) {
        const message = messages[lane];
        lanes.begin(lane);
        lanes.take(lane, message === undefined ? 0 : lanes.addressOf(message.bytes), message?.end ?? 0);
      }
      lanes.runHere();
      expect(messages.map((_, lane) => lanes.hex(lane))).toEqual(messages.map(({ digest }) => digest));
    }
  });

  it('goes on where a run before it ended, and may run beside the calling thread', async () => {
    const all = Array.from({ length: 4 }, async () => {
      const lanes = Sha256Lanes.start()!;
      const [one, other] = [padded(300_000), padded(100_001)];
      lanes.begin(0);
      lanes.begin(1);
      for (let at = 0; at < one.end; at += 1000 * sha256Block) {
        for (const [lane, { bytes, end }] of [one, other].entries())
          lanes.take(lane, lanes.addressOf(bytes) + at, Math.max(0, Math.min(end - at, 1000 * sha256Block)));
        await lanes.run();
      }
      expect([lanes.hex(0), lanes.hex(1)]).toEqual([one.digest, other.digest]);
    });
    await Promise.all(all);
  });

  it('refuses what would be left out', () => {
    const lanes = Sha256Lanes.start()!;
    const { bytes, end } = padded(100);
    for (const lane of [0, 1, 4]) {
      lanes.begin(lane);
      lanes.take(lane, lanes.addressOf(bytes), end);
    }
    expect(() => lanes.runHere()).toThrow('a pair of lanes takes nothing');
  });

  it('counts the bits of messages beyond 2^32', () => {
    const bytes = Buffer.alloc(64);
    expect(padSha256(bytes, 0, 2 ** 32 + 64)).toBe(64);
    expect(bytes.readBigUInt64BE(56)).toBe(2n ** 35n + 512n);
  });
});
