import { isCoppiceError } from '@coppice/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CpioFields, type CpioMember, collectBytes, readCpio, writeCpio } from '../src/index.ts';

const fields = (name: string, size: number): CpioFields => ({
  name,
  ino: 1,
  mode: 0o100644,
  uid: 0,
  gid: 0,
  nlink: 1,
  mtime: 1_700_000_000,
  size,
  devMajor: 0,
  devMinor: 0,
  rdevMajor: 0,
  rdevMinor: 0,
});
const archive = (members: Iterable<CpioMember>): Uint8Array => collectBytes(writeCpio(members), 1e9);

describe('cpio', () => {
  it('round-trips members of every name and size', () => {
    const member = fc.tuple(
      fc.string({ minLength: 1, maxLength: 60, unit: 'binary' }).filter((s) => !s.includes('\0') && s !== 'TRAILER!!!'),
      fc.uint8Array({ maxLength: 600 }),
    );
    fc.assert(
      fc.property(fc.array(member, { maxLength: 10 }), (list) => {
        const bytes = archive(list.map(([name, data]) => ({ fields: fields(name, data.length), data: [data] })));
        const back = [...readCpio([bytes])].map((e) => e.fields?.name);
        expect(back).toEqual(list.map(([name]) => Buffer.from(name).toString()));
        let i = 0;
        for (const entry of readCpio([bytes])) {
          expect(Buffer.concat([...entry.data()].map((p) => Buffer.from(p)))).toEqual(Buffer.from(list[i++]![1]));
        }
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  it('reads stripped members through the file list', () => {
    const bytes = archive([{ fields: fields('ignored', 3), index: 7, data: [Buffer.from('abc')] }]);
    const [entry] = [...readCpio([bytes], { sizeOf: (index) => (index === 7 ? 3 : 0) })];
    expect(entry).toMatchObject({ index: 7, size: 3, fields: undefined });
    expect(() => [...readCpio([bytes])]).toThrowError(/stripped member/);
  });

  it('refuses damage with typed errors', () => {
    const bytes = archive([{ fields: fields('a', 5), data: [Buffer.from('hello')] }, { fields: fields('b', 0) }]);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
        const bad = Buffer.from(bytes.subarray(0, Math.max(at + 1, length)));
        bad[at] = value;
        try {
          for (const entry of readCpio([bad])) for (const piece of entry.data()) void piece;
        } catch (error) {
          expect(isCoppiceError(error) && error.kind === 'input').toBe(true);
        }
      }),
      { seed: 4, numRuns: 500 },
    );
    expect(() => [...readCpio([bytes.subarray(0, 130)])]).toThrowError(/unexpected end/);
  });

  it('refuses content of another length than announced', () => {
    expect(() => archive([{ fields: fields('a', 5), data: [Buffer.from('four')] }])).toThrowError(/size changed/);
    expect(() => archive([{ fields: fields('a', 3), data: [Buffer.from('four')] }])).toThrowError(/size changed/);
  });
});
