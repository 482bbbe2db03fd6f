import { CoppiceError } from '@coppice/base';
import { isNormalForm } from '@coppice/gvariant';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeOwnership } from '../src/codec/dirmeta.ts';
import {
  commitBytes,
  compareNames,
  decodeArchiveHeader,
  decodeDirMeta,
  decodeDirTree,
  decodeFileHeader,
  decodeVarint,
  decodeXattrs,
  encodeArchiveHeader,
  encodeDirMeta,
  encodeDirTree,
  encodeFileHeader,
  encodeVarint,
  encodeXattrs,
  formatSize,
  parseCommit,
  sha256,
} from '../src/index.ts';
import { goldenMetadata } from './tree.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/[\s|]/g, ''), 'hex');
const file = { uid: 0, gid: 0, mode: 0o100644, symlinkTarget: '', xattrs: [] };
const dirMeta = '446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488';
const aTxt = 'fbf7cf77a1b50d9f074cb6e9ef6ddb65b6532ea89e4f4ca1b07a05b4cd1be259';
const run = 'd474afd297f3fc61b97186b79aeaa37ddb302743c8b3d1d634f9f2ced1675072';
const empty = 'cc700d46f407c6c5ab2d5dde474366a928b7398277e61162e7f8ec06f469f07e';
const link = 'f379a4b359f3e8deb971eef3e40a492fec37696c0169a600789f0bc62c43b535';

describe('bytes that the original wrote', () => {
  test('content headers', () => {
    expect(encodeFileHeader(file)).toEqual(hex('00000012 00000000 00000000 00000000 000081a4 00000000 00 11'));
    expect(sha256(encodeFileHeader(file))).toBe(empty);
    expect(sha256(Buffer.concat([encodeFileHeader(file), Buffer.from('hi\n')]))).toBe(aTxt);
    expect(sha256(encodeFileHeader({ ...file, mode: 0o120777, symlinkTarget: 'a.txt' }))).toBe(link);
  });

  test('archive headers', () => {
    expect(encodeArchiveHeader(file, 3)).toEqual(
      hex('0000001a00000000 0000000000000003 00000000 00000000 000081a4 00000000 00 19'),
    );
    expect(encodeArchiveHeader({ ...file, mode: 0o120777, symlinkTarget: 'a.txt' }, 0)).toEqual(
      hex('0000001f00000000 0000000000000000 00000000 00000000 0000a1ff 00000000 612e74787400 1e'),
    );
  });

  test('extended attributes', () => {
    const xattrs = [
      { name: 'user.aa', value: Buffer.from('two') },
      { name: 'user.zz', value: Buffer.from('1') },
    ];
    const bytes = hex('757365722e616100 74776f 08 | 757365722e7a7a00 31 08 | 0c 16');
    expect(encodeXattrs(xattrs)).toEqual(bytes);
    expect(decodeXattrs(bytes)).toEqual(xattrs);
  });

  test('directory metadata', () => {
    const bytes = hex('0000000000000000000041ed');
    expect(encodeDirMeta({ uid: 0, gid: 0, mode: 0o40755, xattrs: [] })).toEqual(bytes);
    expect(sha256(bytes)).toBe(dirMeta);
  });

  test('directory trees', () => {
    const d = encodeDirTree({ files: [{ name: 'run', checksum: run }], dirs: [] });
    expect(d).toEqual(hex(`72756e00 ${run} 04 25 26`));
    expect(sha256(d)).toBe('be7268c5b7c19aa21cc7c9a0df3b28b4741d044687d44b141a0365fcca2f3794');
    const root = encodeDirTree({
      files: [
        { name: 'lnk', checksum: link },
        { name: 'a.txt', checksum: aTxt },
        { name: 'empty', checksum: empty },
      ],
      dirs: [{ name: 'd', tree: sha256(d), meta: dirMeta }],
    });
    expect(sha256(root)).toBe('1f9546e3695e72791b82932d9ad1159665914924c0ffe092a0bc27c087c6628d');
    expect(encodeDirTree({ files: [], dirs: [] })).toEqual(hex('00'));
  });

  test('commits', () => {
    const tree = '1f9546e3695e72791b82932d9ad1159665914924c0ffe092a0bc27c087c6628d';
    const fields = { parent: undefined, subject: 'sub', body: 'body', timestamp: 1700000000, tree, meta: dirMeta };
    const bytes = commitBytes({ ...fields, metadata: goldenMetadata });
    expect(sha256(bytes)).toBe('87a1799a138a423b584c7e78c08c58231fb69d7e71e529525efc88305befe0a1');
    const bare = commitBytes({ ...fields, subject: '', body: '', timestamp: 0, metadata: new Map() });
    expect(sha256(bare)).toBe('ba6bf7dfdc7950a1136216aaa4a6af2fec7f01b3fab0697e018611ced00bab8a');
    const read = parseCommit(bytes);
    expect(read).toMatchObject({ subject: 'sub', body: 'body', timestamp: 1700000000n, tree, meta: dirMeta });
    expect(read.metadata.lookupString('version')).toBe('1.0');
  });

  test('varints and sizes', () => {
    expect(encodeVarint(300)).toEqual([0xac, 0x02]);
    expect([1, 126, 999999, 351500].map(formatSize)).toEqual([
      '1 byte',
      '126 bytes',
      '1000.0\u00a0kB',
      '351.5\u00a0kB',
    ]);
  });
});

const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 40 })
  .filter((s) => !/[/\0]/.test(s) && s !== '.' && s !== '..' && s.isWellFormed());
const checksum = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((b) => Buffer.from(b).toString('hex'));
const xattrs = fc.uniqueArray(
  fc.record({
    name: name.map((n) => `user.${n}`),
    value: fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b)),
  }),
  { selector: (x) => x.name, maxLength: 6 },
);

describe('what is written is read back, and is normal form', () => {
  test('dirtree', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ name, checksum }), { selector: (f) => f.name, maxLength: 60 }),
        fc.uniqueArray(fc.record({ name, tree: checksum, meta: checksum }), { selector: (d) => d.name, maxLength: 20 }),
        (files, dirs) => {
          const bytes = encodeDirTree({ files, dirs });
          const sorted = (list: { name: string }[]) => [...list].sort((a, b) => compareNames(a.name, b.name));
          expect(isNormalForm('(a(say)a(sayay))', bytes)).toBe(true);
          expect(decodeDirTree(bytes)).toEqual({ files: sorted(files), dirs: sorted(dirs) });
        },
      ),
    );
  });

  test('names sort by their bytes', () => {
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(Math.sign(compareNames(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
    );
  });

  test('headers', () => {
    const id = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(
        id,
        id,
        fc.integer({ min: 0, max: 0o7777 }),
        fc.option(name),
        xattrs,
        fc.nat(),
        (uid, gid, bits, target, attributes, size) => {
          const header = {
            uid,
            gid,
            mode: (target === null ? 0o100000 : 0o120000) | bits,
            symlinkTarget: target ?? '',
            xattrs: attributes,
          };
          const bytes = encodeFileHeader(header);
          expect(isNormalForm('(uuuusa(ayay))', bytes.subarray(8))).toBe(true);
          expect(decodeFileHeader(bytes)).toEqual(header);
          expect(decodeArchiveHeader(encodeArchiveHeader(header, size))).toEqual({ ...header, size });
          const meta = encodeDirMeta({ uid, gid, mode: bits, xattrs: attributes });
          expect(isNormalForm('(uuua(ayay))', meta)).toBe(true);
          expect(decodeOwnership(meta, 'meta')).toEqual({ uid, gid, mode: bits, xattrs: attributes });
        },
      ),
    );
  });

  test('varints', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const bytes = Uint8Array.from(encodeVarint(value));
        expect(decodeVarint(bytes, 0)).toEqual({ value, next: bytes.length });
      }),
    );
  });
});

describe('anything else is refused with a typed error', () => {
  const decoders: Readonly<
    Record<string, { decode: (bytes: Uint8Array) => unknown; valid: Uint8Array; type?: string }>
  > = {
    dirtree: {
      decode: decodeDirTree,
      type: '(a(say)a(sayay))',
      valid: encodeDirTree({
        files: [
          { name: 'a', checksum: aTxt },
          { name: 'b', checksum: run },
        ],
        dirs: [{ name: 'd', tree: empty, meta: dirMeta }],
      }),
    },
    dirmeta: {
      decode: decodeDirMeta,
      type: '(uuua(ayay))',
      valid: encodeDirMeta({ uid: 1, gid: 2, mode: 0o40755, xattrs: [{ name: 'user.a', value: Buffer.from('x') }] }),
    },
    commit: {
      decode: parseCommit,
      type: '(a{sv}aya(say)sstayay)',
      valid: commitBytes({
        metadata: goldenMetadata,
        parent: aTxt,
        subject: 's',
        body: 'b',
        timestamp: 1,
        tree: empty,
        meta: dirMeta,
      }),
    },
    header: {
      decode: decodeFileHeader,
      valid: encodeFileHeader({ ...file, xattrs: [{ name: 'user.a', value: Buffer.from('x') }] }),
    },
    archive: { decode: decodeArchiveHeader, valid: encodeArchiveHeader(file, 7) },
    xattrs: {
      decode: (bytes) => decodeXattrs(bytes),
      type: 'a(ayay)',
      valid: encodeXattrs([{ name: 'user.a', value: Buffer.from('x') }]),
    },
  };
  const runs = Number(process.env['COPPICE_FUZZ_RUNS'] ?? 2000);

  for (const [what, { decode, valid, type }] of Object.entries(decoders)) {
    const attempt = (bytes: Uint8Array): void => {
      let accepted = false;
      try {
        decode(bytes);
        accepted = true;
      } catch (error) {
        if (!(error instanceof CoppiceError) || error.kind === 'bug') throw error;
      }
      // Accepting is only right for bytes that are normal form for everyone.
      if (accepted && type !== undefined) expect(isNormalForm(type, bytes)).toBe(true);
    };
    test(`${what}: random bytes`, () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), attempt), { numRuns: runs });
    });
    test(`${what}: valid bytes, changed`, () => {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
          fc.nat(valid.length),
          fc.boolean(),
          (changes, cut, shorten) => {
            const bytes = Buffer.from(valid);
            for (const [at, value] of changes) bytes[at] = value;
            attempt(shorten ? bytes.subarray(0, cut) : bytes);
          },
        ),
        { numRuns: runs },
      );
    });
  }
});
