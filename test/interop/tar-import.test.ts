// Members of tar archives as `ostree commit --tree=tar` understands them: headers that tools really write and odd ones.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeText } from '@coppice/archive';
import { importArchive, MutableTree, Repo } from '@coppice/ostree';
import { levels } from '@coppice/ostree/compat';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratch, skipReason } from './ostree-support.ts';

// OSTREE_JUDGE names another original, as for the verbs; its release is the level then.
const judge = process.env['OSTREE_JUDGE'] ?? 'ostree';
const original = (...args: string[]): SpawnSyncReturns<string> =>
  spawnSync(judge, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } });

interface Header {
  readonly name?: string;
  readonly flag?: string;
  readonly size?: number | string;
  readonly mode?: number | string;
  readonly uid?: number | string;
  readonly gid?: number | string;
  readonly mtime?: number | string;
  readonly link?: string;
  readonly magic?: string;
  readonly prefix?: string;
}

/** A header block; strings are put in as they are. */
function block(header: Header): Buffer {
  const out = Buffer.alloc(512);
  const put = (value: number | string, at: number, width: number): void => {
    const text = typeof value === 'string' ? value : `${value.toString(8).padStart(width - 1, '0')}\0`;
    out.write(text, at, width, 'latin1');
  };
  encodeText(header.name ?? 'f').copy(out, 0, 0, 100);
  put(header.mode ?? 0o644, 100, 8);
  put(header.uid ?? 0, 108, 8);
  put(header.gid ?? 0, 116, 8);
  put(header.size ?? 0, 124, 12);
  put(header.mtime ?? 1, 136, 12);
  out.write(header.flag ?? '0', 156, 'latin1');
  out.write(header.link ?? '', 157, 100);
  out.write(header.magic ?? 'ustar\x0000', 257, 'latin1');
  out.write(header.prefix ?? '', 345, 155);
  out.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of out) sum += byte;
  out.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return out;
}

const padded = (body: Buffer): Buffer => Buffer.concat([body, Buffer.alloc((512 - (body.length % 512)) % 512)]);

function record(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

type Records = Record<string, string | Buffer> | readonly (readonly [string, string | Buffer])[] | Buffer;

function extended(records: Records, flag = 'x'): Buffer {
  const list = Array.isArray(records) ? records : Object.entries(records);
  const body = Buffer.isBuffer(records) ? records : Buffer.concat(list.map(([key, value]) => record(key, value)));
  return Buffer.concat([block({ name: 'PaxHeaders/x', flag, size: body.length }), padded(body)]);
}

function file(content: string | Buffer, header: Header = {}): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([block({ size: bytes.length, ...header }), padded(bytes)]);
}

const root = block({ name: './', flag: '5', mode: 0o755 });
const end = Buffer.alloc(1024);
const tail = file('last', { name: 'z' });

/** With extended records `records` a file `f` that holds `hello`, and one more file behind it. */
const pax = (records: Records, header: Header = {}): Buffer =>
  Buffer.concat([root, extended(records), file('hello', header), tail, end]);
const plain = (...parts: Buffer[]): Buffer => Buffer.concat([root, ...parts, tail, end]);
const binary = Buffer.from([0, 10, 61, 255, 13, 0]);
const holes = Buffer.concat([padded(Buffer.from('2\n0\n5\n100000\n3\n')), padded(Buffer.from('abcdexyz'))]);
const longName = `${'d/'.repeat(60)}${'n'.repeat(120)}`;

const cases: Record<string, Buffer> = {
  'times: fraction, none, negative, huge, exponent, empty, blank': plain(
    ...[
      '1.5',
      '1700000000',
      '-1.25',
      '-5',
      '9'.repeat(19),
      '9'.repeat(40),
      '1e5',
      '',
      ' 7',
      '+7',
      '.5',
      '1.',
      '1.123456789012',
    ].map((value, i) =>
      Buffer.concat([extended({ mtime: value, atime: value, ctime: value }), file('t', { name: `t${i}` })]),
    ),
  ),
  'a time that is no number': pax({ mtime: 'yesterday' }),
  'a very long time': pax({ mtime: '1'.repeat(200) }),
  'owner above 2^21': pax({ uid: '3000000', gid: '4294967290' }),
  'owner beyond 32 bits': pax({ uid: '4294967301', gid: '7' }),
  'negative owner': pax({ uid: '-1' }),
  'owner that is no number': pax({ uid: 'abc', gid: '12abc' }),
  'empty owner': pax({ uid: '', gid: '' }, { uid: 5, gid: 6 }),
  'owner with leading blank': pax({ uid: ' 12' }, { uid: 5 }),
  'path and linkpath': plain(
    Buffer.concat([extended({ path: 'päth/to' }), file('hello')]),
    Buffer.concat([extended({ path: 'link', linkpath: 'tärget' }), block({ flag: '2', link: 'other' })]),
    Buffer.concat([extended({ path: 'hard', linkpath: 'z' }), block({ flag: '1', link: 'other' })]),
  ),
  'name not UTF-8 in the header': plain(file('hello', { name: 'f\udce4g' })),
  'linkpath not UTF-8': plain(Buffer.concat([extended({ linkpath: Buffer.from([0xe4]) }), block({ flag: '2' })])),
  'path with slash at the end on a file': pax({ path: 'name/' }),
  'empty path': pax({ path: '' }),
  'path not UTF-8': pax({ path: Buffer.from([0x66, 0xe4, 0x67]) }),
  'path not UTF-8, declared binary': pax([
    ['hdrcharset', 'BINARY'],
    ['path', Buffer.from([0x66, 0xe4, 0x67])],
  ]),
  'declared binary, UTF-8 all the same': pax([
    ['hdrcharset', 'BINARY'],
    ['path', 'fäg'],
  ]),
  'declared UTF-8': pax([
    ['hdrcharset', 'ISO-IR 10646 2000 UTF-8'],
    ['path', 'fäg'],
  ]),
  'unknown character set': pax({ hdrcharset: 'KOI8-R', path: 'fg' }),
  'the later of two records': pax([
    ['path', 'one'],
    ['path', 'two'],
  ]),
  'size in the record': pax({ size: '5' }, { size: 0 }),
  'size in the record, another in the header': Buffer.concat([
    root,
    extended({ size: '3' }),
    block({ size: 5 }),
    padded(Buffer.from('hel')),
    tail,
    end,
  ]),
  'negative size': pax({ size: '-5' }),
  'size that is no number': pax({ size: 'x' }),
  'empty size': pax({ size: '' }),
  'attributes as star and GNU tar write them': pax({
    'SCHILY.xattr.user.text': 'value',
    'SCHILY.xattr.user.binary': binary,
    'SCHILY.xattr.security.capability': Buffer.from('0100000200040000000000000000000000000000', 'hex'),
  }),
  'an attribute without a value': pax({ 'SCHILY.xattr.user.empty': '' }),
  'an attribute without a name': pax({ 'SCHILY.xattr.': 'x' }),
  'an attribute named twice': pax([
    ['SCHILY.xattr.user.a', 'one'],
    ['SCHILY.xattr.user.a', 'two'],
  ]),
  'attributes as libarchive writes them': pax({
    'LIBARCHIVE.xattr.user.text': 'dmFsdWU=',
    'LIBARCHIVE.xattr.user.p%C3%A4rt%3d': 'AAo9/w0A',
    'LIBARCHIVE.xattr.user.unpadded': 'dmFsdWU',
  }),
  'attributes of both kinds': pax({
    'SCHILY.xattr.user.text': 'value',
    'LIBARCHIVE.xattr.user.text': 'b3RoZXI=',
    'SCHILY.xattr.user.other': 'value',
  }),
  'attributes of both kinds, the other way round': pax({
    'LIBARCHIVE.xattr.user.text': 'b3RoZXI=',
    'SCHILY.xattr.user.text': 'value',
  }),
  'attributes of a directory': plain(
    Buffer.concat([
      extended({ 'SCHILY.xattr.user.a': '1', 'SCHILY.xattr.user.b': '2' }),
      block({ name: 'd/', flag: '5', mode: 0o755 }),
    ]),
  ),
  'bad base64': pax({ 'LIBARCHIVE.xattr.user.text': '!!!' }),
  'bad percent code': pax({ 'LIBARCHIVE.xattr.user.t%zz': 'dmFsdWU=' }),
  'a label as GNU tar writes it': pax({ 'RHT.security.selinux': 'system_u:object_r:etc_t:s0' }),
  'a label with its NUL': pax({ 'RHT.security.selinux': 'system_u:object_r:etc_t:s0\0' }),
  'access lists': pax({ 'SCHILY.acl.access': 'user::rw-,group::r--,other::r--,user:nobody:r--:65534,mask::r--' }),
  'keys nobody knows': pax({ comment: 'hi', 'VENDOR.key': 'x', charset: 'y', 'realtime.x': 'z' }),
  'global records': Buffer.concat([
    root,
    extended({ comment: 'a commit', uid: '77', path: 'all', mtime: '5' }, 'g'),
    file('hello'),
    tail,
    end,
  ]),
  'old extended header': Buffer.concat([root, extended({ path: 'name' }, 'X'), file('hello'), tail, end]),
  'two extended headers': Buffer.concat([
    root,
    extended({ path: 'one', uid: '5' }),
    extended({ gid: '6' }),
    file('hello'),
    tail,
    end,
  ]),
  'GNU sparse 0.0': Buffer.concat([
    root,
    extended([
      ['GNU.sparse.size', '100003'],
      ['GNU.sparse.numblocks', '2'],
      ['GNU.sparse.offset', '0'],
      ['GNU.sparse.numbytes', '5'],
      ['GNU.sparse.offset', '100000'],
      ['GNU.sparse.numbytes', '3'],
    ]),
    file('abcdexyz'),
    tail,
    end,
  ]),
  'GNU sparse 0.1': Buffer.concat([
    root,
    extended({
      'GNU.sparse.name': 'real',
      'GNU.sparse.size': '100003',
      'GNU.sparse.numblocks': '2',
      'GNU.sparse.map': '0,5,100000,3',
    }),
    file('abcdexyz'),
    tail,
    end,
  ]),
  'GNU sparse 1.0': Buffer.concat([
    root,
    extended({
      'GNU.sparse.major': '1',
      'GNU.sparse.minor': '0',
      'GNU.sparse.name': 'real',
      'GNU.sparse.realsize': '100003',
    }),
    block({ name: 'GNUSparseFile/real', size: 520 }),
    holes,
    tail,
    end,
  ]),
  'a record whose length is wrong': pax(Buffer.from('99 path=x\n')),
  'a record without newline': pax(Buffer.from('9 path=xy')),
  'a record without equals sign': pax(Buffer.from('9 pathxy\n')),
  'a record without length': pax(Buffer.from('path=xy\n')),
  'an empty extended header': pax(Buffer.alloc(0)),
  'GNU long name and link': plain(
    Buffer.concat([
      block({ name: '././@LongLink', flag: 'L', size: longName.length + 1, magic: 'ustar  \0' }),
      padded(Buffer.from(`${longName}\0`)),
      file('hello', { name: longName.slice(0, 99), magic: 'ustar  \0' }),
      block({ name: '././@LongLink', flag: 'K', size: longName.length + 1, magic: 'ustar  \0' }),
      padded(Buffer.from(`${longName}\0`)),
      block({ name: 'link', flag: '2', link: longName.slice(0, 100), magic: 'ustar  \0' }),
    ]),
  ),
  'base-256 and negative numbers': plain(
    file('a', { name: 'a', uid: '\x80\0\0\0\0\x2d\xc6\xc0', mtime: `\xff${'\xff'.repeat(11)}`, magic: 'ustar  \0' }),
  ),
  'a prefix': plain(file('hello', { name: 'name', prefix: 'pre/fix' })),
  'a v7 header': plain(file('hello', { magic: '' })),
  'numbers with blanks': plain(file('hello', { mode: ' 644 \0', uid: '   12 \0', gid: '12\0' })),
  'a number with other characters': plain(file('hello', { uid: '12x\0', mode: '644' })),
  'an unknown kind of member': plain(file('hello', { flag: 'Z' })),
  'a contiguous file': plain(file('hello', { flag: '7' })),
  'a volume label': Buffer.concat([block({ name: 'label', flag: 'V' }), root, tail, end]),
  'a device': plain(block({ name: 'null', flag: '3' })),
  'no end blocks': Buffer.concat([root, tail]),
  'a cut header': Buffer.concat([root, tail, Buffer.alloc(100, 1)]),
  'a broken checksum': Buffer.concat([root, Buffer.alloc(512, 7), tail, end]),
};

/** Pieces in one reused buffer, of a size that splits headers, as reading a file gives them. */
function* pieces(path: string): Generator<Uint8Array> {
  const fd = openSync(path, 'r');
  const buffer = Buffer.allocUnsafe(4096);
  try {
    for (;;) {
      const n = readSync(fd, buffer, 0, buffer.length, null);
      if (n === 0) return;
      yield buffer.subarray(0, n);
    }
  } finally {
    closeSync(fd);
    buffer.fill(0x39);
  }
}

describe.skipIf(skipReason !== undefined)('tar members as the original reads them', () => {
  const folder = scratch();
  afterAll(() => folder.remove());
  const theirRepo = `--repo=${join(folder.path, 'theirs')}`;
  let repo: Repo;
  beforeAll(() => {
    original(theirRepo, 'init', '--mode=archive');
    const release = /Version: '([^']+)'/.exec(original('--version').stdout)?.[1];
    const compat = levels.find((level) => level === release);
    if (compat === undefined) throw new Error(`no level for ostree ${release}`);
    Repo.create(join(folder.path, 'ours'), { mode: 'archive' });
    repo = Repo.open(join(folder.path, 'ours'), { compat });
  });

  const listing = (at: string, commit: string): string => original(at, 'ls', '-RXC', commit).stdout;

  /** What the import made as the original lists it, or why there is nothing. */
  function ours(path: string): string {
    try {
      const commit = repo.transaction((transaction) => {
        const tree = new MutableTree();
        importArchive(transaction, tree, pieces(path), { autocreateParents: true });
        const fields = { metadata: new Map(), parent: undefined, subject: '', body: '', timestamp: 1 };
        return transaction.writeCommit({ ...fields, ...transaction.writeTree(tree) });
      });
      return listing(`--repo=${repo.path}`, commit);
    } catch (error) {
      return (error as Error).message;
    }
  }

  function theirs(path: string): string {
    const args = ['commit', '--orphan', '--timestamp=@1', '--tar-autocreate-parents', `--tree=tar=${path}`];
    const done = original(theirRepo, ...args);
    if (done.status === 0) return listing(theirRepo, done.stdout.trim());
    return /^error: (.*)$/ms.exec(done.stderr)?.[1]?.trim() ?? done.stderr;
  }

  it.each(Object.entries(cases))('%s', (_name, bytes) => {
    const path = join(folder.path, 'a.tar');
    writeFileSync(path, bytes);
    expect(ours(path)).toBe(theirs(path));
  });
});
