import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyPart, countOperations, openPart } from '../src/delta/apply.ts';
import { bsdiff } from '../src/delta/bsdiff.ts';
import { bspatch } from '../src/delta/bspatch.ts';
import { checksumOfShort, deltaDir, parseDeltaName, shortChecksum } from '../src/delta/name.ts';
import { compressPart, decodePayload, encodePayload, uncompressPart } from '../src/delta/part.ts';
import { rollsum } from '../src/delta/rollsum.ts';
import { suffixArray } from '../src/delta/suffix-array.ts';
import { decodeSuperblock, readSigned } from '../src/delta/superblock.ts';
import { applyOffline, generateDelta, Repo, sha256, showDelta } from '../src/index.ts';
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

test('the suffix array is the sorted list of suffixes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 200 }), (values) => {
      const bytes = Uint8Array.from(values);
      const naive = Array.from(bytes.keys()).sort((a, b) =>
        Buffer.compare(Buffer.from(bytes.subarray(a)), Buffer.from(bytes.subarray(b))),
      );
      expect([...suffixArray(bytes)]).toEqual(naive);
    }),
    { ...seed, numRuns: 200 },
  );
});

test('bspatch undoes bsdiff', () => {
  fc.assert(
    fc.property(pair, ([old, fresh]) => {
      expect(bspatch(old, bsdiff(old, fresh), fresh.length).equals(Buffer.from(fresh))).toBe(true);
    }),
    { ...seed, numRuns: 200 },
  );
  // `aaa\n` to `bbb\n` as the original wrote it: 28 bytes, four of them extra.
  expect(bsdiff(Buffer.from('aaa\n'), Buffer.from('bbb\n')).length).toBe(28);
});

test('a damaged patch is refused or gives other bytes, never more than the size', () => {
  const old = Buffer.from('the old content of a file, '.repeat(8));
  const patch = bsdiff(old, Buffer.from('the new content of a file, '.repeat(8)));
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
  const { matches, matchedBytes } = rollsum(from, to);
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

test('a part’s payload survives packing, and unknown packing is refused', async () => {
  const payload = {
    modes: [{ uid: 1, gid: 2, mode: 0o100755 }],
    xattrs: [[{ name: 'user.a', value: Buffer.from('v') }], []],
    blob: Buffer.from('some bytes'),
    operations: Uint8Array.of(1, 2, 3),
  };
  const file = await compressPart(encodePayload(payload));
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
