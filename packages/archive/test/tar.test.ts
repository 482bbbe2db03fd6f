import { isCoppiceError } from '@coppice/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectBytes, readTar, type TarMember, writeTar } from '../src/index.ts';

const base: Omit<TarMember, 'path' | 'type' | 'size'> = {
  mode: 0o644,
  uid: 0,
  gid: 0,
  uname: '',
  gname: '',
  mtime: 1_700_000_000,
  linkTarget: '',
  devMajor: 0,
  devMinor: 0,
  xattrs: [],
};
const file = (path: string, content: Uint8Array, more: Partial<TarMember> = {}): TarMember => ({
  ...base,
  path,
  type: 'file',
  size: content.length,
  content: [content],
  ...more,
});
const pack = (members: TarMember[], format: 'gnu' | 'pax'): Uint8Array =>
  collectBytes(writeTar(members, { format }), 1e9);

describe('tar', () => {
  it('keeps binary extended attributes through PAX', () => {
    const value = Uint8Array.from([0, 10, 61, 255, 13, 0]);
    const xattrs = [
      { name: 'security.capability', value },
      { name: 'user.a=b', value: Buffer.from('x\ny=z\n') },
      { name: 'user.empty', value: new Uint8Array(0) },
    ].filter((x) => !x.name.includes('='));
    const [entry] = [...readTar([pack([file('a', Buffer.from('hi'), { xattrs })], 'pax')])];
    expect(entry?.xattrs.map((x) => [x.name, [...x.value]])).toEqual(xattrs.map((x) => [x.name, [...x.value]]));
  });

  it.each(['gnu', 'pax'] as const)('round-trips long names, links, large ids and odd times as %s', (format) => {
    const long = `${'d/'.repeat(70)}${'n'.repeat(120)}`;
    const members: TarMember[] = [
      { ...base, path: 'dir', type: 'directory', size: 0, mode: 0o1777 },
      file(long, Buffer.alloc(1000, 7), { uid: 3_000_000, gid: 2 ** 31, mode: 0o4755 }),
      { ...base, path: 'link', type: 'symlink', size: 0, linkTarget: long },
      { ...base, path: 'hard', type: 'hardlink', size: 0, linkTarget: long },
      { ...base, path: 'null', type: 'char', size: 0, devMajor: 1, devMinor: 3 },
      file('before', Buffer.alloc(0), { mtime: -5 }),
      file('žluťoučký \udc80', Buffer.from('x')),
    ];
    const bytes = pack(members, format);
    expect(bytes.length % 10240).toBe(0);
    const back: unknown[] = [];
    for (const entry of readTar([bytes])) {
      const { data, ...head } = entry;
      back.push({ ...head, content: [Buffer.concat([...data()].map((p) => Buffer.from(p)))] });
    }
    expect(back).toEqual(members.map((m) => ({ ...m, content: [Buffer.concat([...(m.content ?? [])])] })));
  });

  it('keeps nothing of a source that reuses its buffer', () => {
    const xattrs = [{ name: 'user.a', value: Buffer.from('value') }];
    const members = Array.from({ length: 20 }, (_, i) =>
      file(`${'n'.repeat(110)}${i}`, Buffer.alloc(700, i), { xattrs, mtime: i + 0.5 }),
    );
    const bytes = pack(members, 'pax');
    for (const size of [100, 512, 700, 4096]) {
      const reused = Buffer.alloc(size);
      const pieces = function* (): Generator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += size) {
          const piece = bytes.subarray(at, at + size);
          reused.fill(0x39);
          reused.set(piece);
          yield reused.subarray(0, piece.length);
        }
        reused.fill(0x39);
      };
      const found = [...readTar(pieces())].map(({ path, mtime, xattrs }) => ({ path, mtime, xattrs }));
      expect(found.map(({ path, mtime }) => [path, mtime])).toEqual(members.map(({ path, mtime }) => [path, mtime]));
      for (const entry of found) expect(Buffer.from(entry.xattrs[0]!.value).toString()).toBe('value');
    }
  });

  it('answers damage with typed errors only', () => {
    const bytes = pack(
      [file('a'.repeat(150), Buffer.from('hello'), { xattrs: [{ name: 'user.x', value: Buffer.from('y') }] })],
      'pax',
    );
    fc.assert(
      fc.property(fc.nat(2047), fc.nat(255), (at, value) => {
        const bad = Buffer.from(bytes);
        bad[at] = value;
        // Keep the header checksums right, so that the fields behind them are reached.
        for (const block of [0, 1024 + 512]) {
          bad.fill(0x20, block + 148, block + 156);
          let sum = 0;
          for (let i = 0; i < 512; i++) sum += bad[block + i]!;
          bad.write(`${sum.toString(8).padStart(6, '0')}\0 `, block + 148, 'latin1');
        }
        try {
          for (const entry of readTar([bad])) for (const piece of entry.data()) void piece;
        } catch (error) {
          expect(isCoppiceError(error) && error.kind === 'input').toBe(true);
        }
      }),
      { seed: 5, numRuns: 600 },
    );
  });
});
