import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from '@coppice/gvariant';
import { hostFs } from '@coppice/linux';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyPart, openPart } from '../src/delta/apply.ts';
import { BlobFile } from '../src/delta/blob-file.ts';
import { bsdiff } from '../src/delta/bsdiff.ts';
import { BsdiffWorkspace, bsdiffFile } from '../src/delta/bsdiff-file.ts';
import { bspatchPieces } from '../src/delta/bspatch.ts';
import { checksumOfShort, deltaDir, parseDeltaName, shortChecksum } from '../src/delta/name.ts';
import { countOperations } from '../src/delta/operations.ts';
import { decodePayload, type PartPayload, payloadFrame, uncompressPart } from '../src/delta/part.ts';
import { PartBuilder } from '../src/delta/part-builder.ts';
import { PayloadRooms } from '../src/delta/payload-rooms.ts';
import { rollsum } from '../src/delta/rollsum.ts';
import { PartSharer } from '../src/delta/shared-part.ts';
import { SourceIndex } from '../src/delta/source-index.ts';
import { decodeSuperblock, readSigned } from '../src/delta/superblock.ts';
import { xzEncode } from '../src/delta/xz-encoder.ts';
import { applyOffline, generateDelta, HelperThread, Repo, sha256, showDelta } from '../src/index.ts';
import { commitFolder, newFolder, writeTree } from './tree.ts';

const seed = { seed: 11 };

/** Two related byte strings over a small alphabet, so that matches are many. */
const pair = fc
  .tuple(fc.array(fc.integer({ min: 97, max: 100 }), { maxLength: 400 }), fc.array(fc.nat(9), { maxLength: 20 }))
  .map(([base, edits]) => {
    const fresh = [...base];
    for (const edit of edits) fresh.splice((edit * 37) % (fresh.length + 1), edit % 3, 120 + edit, 97);
    return [Uint8Array.from(base), Uint8Array.from(fresh)] as const;
  });

/** The whole patch. */
function patchOf(old: Uint8Array, fresh: Uint8Array, index = new SourceIndex()): Buffer {
  const out: Buffer[] = [];
  const length = bsdiff(old, fresh, index, (bytes) => out.push(Buffer.from(bytes)));
  const patch = Buffer.concat(out);
  expect(patch.length).toBe(length);
  return patch;
}

test('the index finds a longest match, if one is longer than a key', () => {
  const index = new SourceIndex();
  fc.assert(
    fc.property(pair, fc.nat(400), ([old, fresh], start) => {
      // The same index for one text after the other.
      index.fill(old);
      const at = start % Math.max(1, fresh.length);
      const lengthAt = (place: number): number => {
        let n = 0;
        while (place + n < old.length && at + n < fresh.length && old[place + n] === fresh[at + n]) n++;
        return n;
      };
      const longest = old.reduce((best, _byte, place) => Math.max(best, lengthAt(place)), 0);
      const found = index.search(fresh, at, 0, 0);
      if (found > 0) expect(lengthAt(index.position)).toBe(found);
      // All places of one key are tried here: there are fewer than sixteen.
      const places = old.filter((_byte, place) => lengthAt(place) >= 8).length;
      if (longest >= 8 && places <= 16) expect(found).toBe(longest);
    }),
    { ...seed, numRuns: 300 },
  );
});

/** The whole new file. */
function bspatch(old: Uint8Array, patch: Uint8Array, size: number): Buffer {
  const bytes = {
    size: old.length,
    read: (into: Uint8Array, position: number): void => into.set(old.subarray(position, position + into.length)),
  };
  return Buffer.concat(Array.from(bspatchPieces(bytes, patch, size), (piece) => Buffer.from(piece)));
}

test('bspatch undoes bsdiff', () => {
  const index = new SourceIndex();
  fc.assert(
    fc.property(pair, ([old, fresh]) => {
      expect(bspatch(old, patchOf(old, fresh, index), fresh.length).equals(Buffer.from(fresh))).toBe(true);
    }),
    { ...seed, numRuns: 200 },
  );
  // `aaa\n` to `bbb\n` as the original wrote it: 28 bytes, four of them extra.
  expect(patchOf(Buffer.from('aaa\n'), Buffer.from('bbb\n')).length).toBe(28);
});

/** Bytes that look random. */
function noise(length: number, start: number): Buffer {
  const out = Buffer.alloc(length);
  for (let i = 0, state = start; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    out[i] = state >>> 16;
  }
  return out;
}

test.each([0, 100_000, 9_000_000])(
  'bspatch follows a patch to and fro, and out of an old file of %i bytes',
  (oldSize) => {
    const old = noise(oldSize, 1);
    const length = fc.oneof(fc.nat(300), fc.nat(150_000));
    const triple = fc.record({
      diff: length,
      extra: length,
      seek: fc.integer({ min: -oldSize - 500, max: oldSize + 500 }),
    });
    fc.assert(
      fc.property(fc.array(triple, { minLength: 1, maxLength: 12 }), (triples) => {
        const patch: Buffer[] = [];
        const fresh: Buffer[] = [];
        let from = 0;
        for (const { diff, extra, seek } of triples) {
          const control = Buffer.alloc(24);
          [diff, extra, seek].forEach((value, i) => {
            control.writeBigUInt64LE(BigInt(Math.abs(value)) | (value < 0 ? 1n << 63n : 0n), i * 8);
          });
          const bytes = noise(diff + extra, diff + 7);
          patch.push(control, bytes);
          const made = Buffer.from(bytes);
          for (let i = 0; i < diff; i++) made[i] = made[i]! + (old[from + i] ?? 0);
          fresh.push(made);
          from += diff + seek;
        }
        const expected = Buffer.concat(fresh);
        expect(bspatch(old, Buffer.concat(patch), expected.length).equals(expected)).toBe(true);
      }),
      { ...seed, numRuns: 15 },
    );
  },
);

test('bspatch undoes bsdiff of files taken in pieces', () => {
  const workspace = new BsdiffWorkspace();
  const inPieces = (bytes: Uint8Array, size: number): { size: number; read(): Iterable<Uint8Array> } => ({
    size: bytes.length,
    *read() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    },
  });
  const shape = fc.record({ old: fc.integer({ min: 1, max: 300 }), fresh: fc.integer({ min: 1, max: 200 }) });
  fc.assert(
    fc.property(pair, shape, fc.integer({ min: 1, max: 70 }), ([old, fresh], windows, size) => {
      const out: Buffer[] = [];
      const sink = (bytes: Uint8Array): void => void out.push(Buffer.from(bytes));
      const length = bsdiffFile(inPieces(old, size), inPieces(fresh, size), workspace, sink, windows);
      const patch = Buffer.concat(out);
      expect(patch.length).toBe(length);
      expect(bspatch(old, patch, fresh.length).equals(Buffer.from(fresh))).toBe(true);
    }),
    { ...seed, numRuns: 300 },
  );
});

test('a damaged patch is refused or gives other bytes, never more than the size', () => {
  const old = Buffer.from('the old content of a file, '.repeat(8));
  const patch = patchOf(old, Buffer.from('the new content of a file, '.repeat(8)));
  fc.assert(
    fc.property(fc.nat(patch.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Buffer.from(patch);
      damaged[at]! ^= change;
      try {
        expect(bspatch(old, damaged, 216).length).toBe(216);
      } catch (error) {
        expect((error as { code: string }).code).toBe('Corrupt');
      }
    }),
    { ...seed, numRuns: 300 },
  );
});

test('rollsum finds what moved', () => {
  let state = 7;
  const random = (): number => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state >> 16;
  };
  const blocks = Array.from({ length: 40 }, () => Buffer.from(Array.from({ length: 5000 }, random)));
  const from = Buffer.concat(blocks);
  const to = Buffer.concat([
    Buffer.from('inserted'),
    ...blocks.slice(0, 20),
    Buffer.from('middle'),
    ...blocks.slice(20),
  ]);
  const { matches, matchedBytes } = rollsum([from.subarray(0, 77), from.subarray(77)], [to]);
  expect(matchedBytes).toBeGreaterThan(from.length / 2);
  for (const { toOffset, fromOffset, size } of matches) {
    expect(to.subarray(toOffset, toOffset + size).equals(from.subarray(fromOffset, fromOffset + size))).toBe(true);
  }
});

test('names of files', () => {
  const to = '87a1799a138a423b584c7e78c08c58231fb69d7e71e529525efc88305befe0a1';
  expect(deltaDir(undefined, to)).toBe('h6/F5mhOKQjtYTH54wIxYIx+2nX5x5SlSXvyIMFvv4KE');
  expect(checksumOfShort(shortChecksum(to))).toBe(to);
  expect(parseDeltaName(`${to}-${to}`)).toMatchObject({ from: to, to });
  expect(() => parseDeltaName('x')).toThrow();
});

const payloadType = '(a(uuu)aa(ayay)ayay)';

function payloadBytes({ blob, ...rest }: PartPayload): Uint8Array {
  const { head, tail } = payloadFrame(rest, blob.length);
  return Buffer.concat([head, blob, tail]);
}

async function packed(payload: Uint8Array): Promise<Uint8Array> {
  const out: Uint8Array[] = [Uint8Array.of(0x78)];
  await xzEncode([payload], 1 << 20, (bytes) => out.push(Uint8Array.from(bytes)));
  return Buffer.concat(out);
}

test('a payload written around its blob is what the whole value encodes to', () => {
  for (const size of [0, 1, 100, 240, 250, 255, 256, 300, 65_500, 65_530, 70_000]) {
    for (const operations of [0, 3, 7]) {
      const payload = {
        modes: [{ uid: 0, gid: 0, mode: 0 }],
        xattrs: [[], [{ name: 'user.a', value: Buffer.from('v') }]],
        blob: new Uint8Array(size).fill(7),
        operations: new Uint8Array(operations).fill(9),
      };
      const whole = encode(payloadType, [
        [[0, 0, 0]],
        [[], [[Buffer.from('user.a\0'), Buffer.from('v')]]],
        payload.blob,
        payload.operations,
      ]);
      expect(Buffer.from(payloadBytes(payload)).equals(whole)).toBe(true);
    }
  }
});

test('a file with runs of another keeps only what stands outside them', () => {
  const folder = newFolder();
  const fresh = Buffer.from('0123456789abcdefghij');
  const matches = [
    { toOffset: 2, fromOffset: 0, size: 3 },
    { toOffset: 5, fromOffset: 9, size: 1 },
    { toOffset: 12, fromOffset: 1, size: 8 },
  ];
  for (const size of [1, 3, 5, 20]) {
    const read = function* (): Generator<Uint8Array> {
      for (let at = 0; at < fresh.length; at += size) yield fresh.subarray(at, at + size);
    };
    const builder = new PartBuilder(new BlobFile(hostFs, folder));
    const header = { uid: 0, gid: 0, mode: 0o100644, symlinkTarget: '', xattrs: [] };
    builder.rollsum('a'.repeat(64), header, { size: fresh.length, read }, 'b'.repeat(64), matches);
    const { blob } = decodePayload(Buffer.concat([...builder.payload()].map((piece) => Buffer.from(piece))));
    expect(Buffer.from(blob.subarray(32)).toString()).toBe('016789ab');
    builder.close();
  }
  expect(readdirSync(folder)).toEqual([]);
});

test('a part’s payload survives packing, and unknown packing is refused', async () => {
  const payload = {
    modes: [{ uid: 1, gid: 2, mode: 0o100755 }],
    xattrs: [[{ name: 'user.a', value: Buffer.from('v') }], []],
    blob: Buffer.from('some bytes'),
    operations: Uint8Array.of(1, 2, 3),
  };
  const file = await packed(payloadBytes(payload));
  expect(Buffer.from(file.subarray(0, 7)).toString('hex')).toBe('78fd377a585a00');
  const back = decodePayload(uncompressPart(file, 10_000));
  expect(back.modes).toEqual(payload.modes);
  expect(back.xattrs[0]?.[0]?.name).toBe('user.a');
  expect(Buffer.from(back.blob).toString()).toBe('some bytes');
  expect(() => uncompressPart(Uint8Array.of(0x67, 1), 100)).toThrow("Invalid compression type '103'");
  expect(() => uncompressPart(file, 8)).toThrow();
});

interface World {
  readonly source: Repo;
  readonly from: string;
  readonly to: string;
  readonly delta: string;
}

async function world(inline = false): Promise<World> {
  const folder = newFolder();
  const source = Repo.create(join(folder, 'source'), { mode: 'archive', compat: '2026.4' });
  const text = (from: number): string => Array.from({ length: 3000 }, (_, i) => `line ${i + from}\n`).join('');
  const tree = writeTree(join(folder, 'tree'), {
    'usr/a': text(0),
    'usr/b': `${'x'.repeat(2000)}old`,
    'usr/gone': 'gone',
    'usr/link': { link: 'a' },
    'usr/run': { text: 'run', mode: 0o755 },
  });
  const from = commitFolder(source, tree, { ref: 'main' });
  writeFileSync(join(tree, 'usr/a'), `${text(0)}${text(5)}`);
  writeFileSync(join(tree, 'usr/b'), `new${'x'.repeat(2000)}`);
  mkdirSync(join(tree, 'etc'));
  writeFileSync(join(tree, 'etc/new'), 'new');
  const to = commitFolder(source, tree, { ref: 'main', parent: from });
  const delta = join(folder, 'delta/superblock');
  mkdirSync(join(folder, 'delta'));
  await generateDelta(source, { from, to, filename: delta, inline });
  return { source, from, to, delta };
}

function copyCommit(source: Repo, target: Repo, commit: string): void {
  target.transaction((transaction) => {
    for (const entry of source.readTree(commit)) {
      if (entry.type === 'file') {
        const file = source.loadFile(entry.checksum);
        transaction.writeContent(file.header, file.read(), entry.checksum);
      }
    }
    const walk = (tree: string): void => {
      transaction.writeMetadata('dirtree', source.loadMetadata('dirtree', tree));
      for (const dir of source.loadDirTree(tree).dirs) {
        transaction.writeMetadata('dirmeta', source.loadMetadata('dirmeta', dir.meta));
        walk(dir.tree);
      }
    };
    const { tree, meta } = source.loadCommit(commit);
    transaction.writeMetadata('dirmeta', source.loadMetadata('dirmeta', meta));
    walk(tree);
    transaction.writeMetadata('commit', source.loadCommitBytes(commit));
  });
}

describe('a delta between two commits', () => {
  test.each([false, true])('applies (inline: %s) and shows', async (inline) => {
    const { source, from, to, delta } = await world(inline);
    const target = Repo.create(join(newFolder(), 'target'), { mode: 'bare-user-only' });
    expect(() => applyOffline(target, delta, undefined)).toThrow('which is the delta source, is not in repository');
    copyCommit(source, target, from);
    expect(applyOffline(target, delta, undefined)).toBe(to);
    for (const entry of target.readTree(to)) {
      if (entry.type === 'file') expect(target.hasObject('file', entry.checksum)).toBe(true);
    }
    if (inline) {
      const text = showDelta(source, { from, to, hex: `${from}-${to}` }, readFileSync(delta));
      expect(text).toContain(`From: ${from}\nTo: ${to}\nEndianness: little\n`);
      expect(text).toContain('bspatch=1');
    } else expect(readdirSync(join(delta, '..')).sort()).toEqual(['0', 'superblock']);
  });

  test('damage anywhere in it is refused, and nothing but checked objects appears', async () => {
    const { source, from, to, delta } = await world(true);
    const block = decodeSuperblock(Uint8Array.from(readFileSync(delta)));
    const header = block.parts[0]!;
    const part = (
      block.metadata.get([...block.metadata.keys()].find((k) => k.endsWith('/0'))!)!.value as [number, Uint8Array]
    )[1];
    const file = Buffer.concat([Uint8Array.of(0x78), part]);
    const payload = openPart(header, file);
    expect(countOperations(header, payload).bspatch).toBe(1);
    expect(() => openPart({ ...header, version: 1 }, file)).toThrow('too new version 1');
    expect(() => openPart(header, Buffer.concat([file, Uint8Array.of(0)]))).toThrow(
      'Checksum mismatch in static delta part',
    );
    const target = Repo.create(join(newFolder(), 'target'), { mode: 'bare-user-only' });
    copyCommit(source, target, from);
    fc.assert(
      fc.property(fc.nat(payload.operations.length - 1), fc.nat(255), (at, value) => {
        const operations = Uint8Array.from(payload.operations);
        operations[at] = value;
        const transaction = target.beginTransaction({ fsync: false });
        try {
          applyPart(transaction, header, { ...payload, operations });
        } catch (error) {
          // A size that cannot fit is a matter of space.
          const { kind, code } = error as { kind: string; code: string };
          expect(code === 'NoSpace' ? 'input' : kind).toBe('input');
        } finally {
          transaction.abort();
        }
      }),
      { ...seed, numRuns: 150 },
    );
    for (const { checksum, type } of target.objects()) {
      if (type !== 'file') continue;
      const object = target.loadFile(checksum);
      expect(object.header.uid).toBe(0);
    }
    expect(sha256(readFileSync(delta))).toHaveLength(64);
    expect(to).toBe(block.to);
  });

  test('two threads make what one makes, and refuse it in the same words', async () => {
    const { source, from, delta } = await world(true);
    const block = decodeSuperblock(Uint8Array.from(readFileSync(delta)));
    const header = block.parts[0]!;
    const key = [...block.metadata.keys()].find((k) => k.endsWith('/0'))!;
    const file = Buffer.concat([Uint8Array.of(0x78), (block.metadata.get(key)!.value as Uint8Array[])[1]!]);
    const whole = uncompressPart(file, 1 << 20);
    const { blob } = decodePayload(whole);
    // The patched object is the one that is opened and closed.
    const patched = header.objects.findIndex((object) => object.type === 'file');
    const damaged = header.objects.map((object, i) =>
      i === patched ? { ...object, checksum: '1'.repeat(64) } : object,
    );
    const helper = new HelperThread({ startAfter: 0 });
    const attempt = (objects: typeof header.objects, helped: boolean, bytes: Uint8Array): string | undefined => {
      const target = Repo.create(join(newFolder(), 'target'), { mode: 'bare-user-only' });
      copyCommit(source, target, from);
      const transaction = target.beginTransaction({ resumable: true });
      try {
        if (helped) {
          const room = new PayloadRooms().take(bytes.length);
          room.set(bytes);
          const sharer = new PartSharer(transaction, helper);
          sharer.apply({ ...header, objects }, { payload: decodePayload(room), bytes: room });
          sharer.close();
        } else applyPart(transaction, { ...header, objects }, decodePayload(bytes));
        transaction.drain();
        transaction.commit();
        for (const { type, checksum } of objects) expect(target.hasObject(type, checksum)).toBe(true);
        return undefined;
      } catch (error) {
        transaction.abort();
        expect(target.hasObject('file', objects[patched]!.checksum)).toBe(false);
        return (error as Error).message;
      }
    };
    try {
      for (const helped of [false, true]) expect(attempt(header.objects, helped, whole)).toBeUndefined();
      const words = attempt(damaged, false, whole);
      expect(words).toMatch(/^opcode open: .*1111/);
      expect(attempt(damaged, true, whole)).toBe(words);
      fc.assert(
        fc.property(fc.nat(blob.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
          const bytes = Uint8Array.from(whole);
          bytes[blob.byteOffset - whole.byteOffset + at]! ^= change;
          expect(attempt(header.objects, true, bytes)).toBe(attempt(header.objects, false, bytes));
        }),
        { ...seed, numRuns: 12 },
      );
    } finally {
      helper.close();
    }
  });

  test('superblock bytes of any kind never crash the reader', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        try {
          decodeSuperblock(readSigned(bytes)?.inner ?? bytes);
        } catch (error) {
          expect((error as { kind: string }).kind).toBe('input');
        }
      }),
      { ...seed, numRuns: 300 },
    );
  });
});
