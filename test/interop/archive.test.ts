import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Compression,
  collectBytes,
  compressBytes,
  decompressBytes,
  readCpio,
  readTar,
  writeCpio,
  writeTar,
} from '@coppice/archive';
import { describe, expect, it } from 'vitest';
import { missing, output, scratch } from './rpm-support.ts';

/** Text, repeats, noise and zeros. */
function sample(size: number): Buffer {
  const parts: Buffer[] = [Buffer.alloc(size >> 2)];
  for (let i = 0; Buffer.concat(parts).length < size; i++) {
    parts.push(Buffer.from(Array.from({ length: 500 }, (_, k) => `line ${(k * i) % 97} of ${i}\n`).join('')));
    parts.push(createHash('sha512').update(String(i)).digest());
  }
  return Buffer.concat(parts).subarray(0, size);
}

const tools: readonly (readonly [Compression, string, readonly string[]])[] = [
  ['gzip', 'gzip', []],
  ['bzip2', 'bzip2', []],
  ['xz', 'xz', ['--format=xz']],
  ['lzma', 'xz', ['--format=lzma']],
  ['zstd', 'zstd', []],
];

describe.skipIf(missing('gzip', 'bzip2', 'xz', 'zstd') !== undefined)('compression', () => {
  it.each(tools)('%s: each reads what the other wrote', (kind, tool, flags) => {
    for (const size of [0, 1, 1000, 700_000]) {
      const data = sample(size);
      expect(output(tool, ['-dc', ...flags], compressBytes(data, kind)).equals(data)).toBe(true);
      for (const level of ['-1', '-9']) {
        const theirs = output(tool, ['-c', level, ...flags], data);
        expect(Buffer.compare(decompressBytes(theirs, kind === 'lzma' ? 'lzma' : 'auto', size), data)).toBe(0);
      }
    }
  });

  it('reads every kind of xz stream (filters: xz-filters.test.ts)', () => {
    const data = sample(300_000);
    for (const flags of [
      ['--check=none'],
      ['--check=crc32'],
      ['--check=sha256'],
      ['--block-size=20000'],
      ['--lzma2=lc=0,lp=3,pb=0'],
      ['--lzma2=lc=4,dict=4096'],
      ['-0'],
      ['-9e'],
      ['--x86', '--lzma2'],
    ]) {
      const packed = output('xz', ['-c', ...flags], data);
      expect(Buffer.compare(decompressBytes(packed, 'auto', data.length), data), flags.join(' ')).toBe(0);
    }
  });
});

describe.skipIf(missing('cpio', 'tar') !== undefined)('archives', () => {
  it('cpio reads ours and ours reads cpio', () => {
    const dir = scratch();
    writeFileSync(join(dir, 'a'), 'hello');
    mkdirSync(join(dir, 'd'));
    const theirs = output('sh', ['-c', `cd '${dir}' && find . | LC_ALL=C sort | cpio -o -H newc --quiet`]);
    const members = [...readCpio([theirs])].map((e) => e.fields!);
    expect(members.map((f) => f.name)).toEqual(['.', 'a', 'd']);
    const content = new Map<string, Buffer>();
    for (const e of readCpio([theirs]))
      content.set(e.fields!.name, Buffer.concat([...e.data()].map((p) => Buffer.from(p))));
    const ours = collectBytes(writeCpio(members.map((fields) => ({ fields, data: [content.get(fields.name)!] }))), 1e6);
    // GNU cpio writes its hex digits in capitals, rpm and ours in small letters.
    const small = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1').toLowerCase();
    expect(small(ours)).toBe(small(theirs.subarray(0, ours.length)));
    expect(output('cpio', ['-t', '--quiet'], ours).toString()).toBe('.\na\nd\n');
  });

  it('reads the sparse files of GNU tar', () => {
    const dir = scratch();
    const file = join(dir, 'sparse');
    writeFileSync(file, 'start');
    truncateSync(file, 3_000_000);
    writeFileSync(file, 'end', { flag: 'a' });
    const sum = createHash('sha256').update(readFileSync(file)).digest('hex');
    for (const format of ['--format=gnu', '--sparse-version=0.0', '--sparse-version=0.1', '--sparse-version=1.0']) {
      const pax = format.startsWith('--sparse') ? ['--format=pax'] : [];
      const archive = output('tar', ['--sparse', ...pax, format, '-cf', '-', '-C', dir, 'sparse']);
      expect(archive.length).toBeLessThan(100_000);
      for (const entry of readTar([archive])) {
        const hash = createHash('sha256');
        for (const piece of entry.data()) hash.update(piece);
        expect([entry.path, entry.size, hash.digest('hex')], format).toEqual(['sparse', 3_000_003, sum]);
      }
    }
  });

  it.skipIf(missing('ostree') !== undefined)('writes what ostree export writes, byte for byte', () => {
    const dir = scratch();
    const tree = join(dir, 'tree');
    const long = `${'x'.repeat(99)}`;
    mkdirSync(join(tree, 'd', long), { recursive: true });
    writeFileSync(join(tree, 'a'), 'hi\n', { mode: 0o755 });
    linkSync(join(tree, 'a'), join(tree, 'b'));
    symlinkSync('a', join(tree, 'l'));
    symlinkSync('y'.repeat(120), join(tree, 'll'));
    writeFileSync(join(tree, 'd', long, 'file'), Buffer.alloc(1000, 7));
    const repo = `--repo=${join(dir, 'repo')}`;
    output('ostree', [repo, 'init', '--mode=bare-user']);
    output('ostree', [repo, 'commit', '-b', 't', '--timestamp=2020-01-02 03:04:05 UTC', `--tree=dir=${tree}`]);
    const theirs = output('ostree', [repo, 'export', 't']);
    const members = function* () {
      for (const entry of readTar([theirs])) yield { ...entry, content: entry.data() };
    };
    expect(Buffer.from(collectBytes(writeTar(members(), { format: 'gnu' }), 1e8)).equals(theirs)).toBe(true);
  });

  it('GNU tar reads what ours writes, extended attributes among it', () => {
    const dir = scratch();
    const member = {
      path: `long/${'n'.repeat(130)}`,
      type: 'file' as const,
      mode: 0o640,
      uid: 0,
      gid: 0,
      uname: '',
      gname: '',
      size: 5,
      mtime: 1_577_880_000.25,
      linkTarget: '',
      devMajor: 0,
      devMinor: 0,
      xattrs: [{ name: 'user.binary', value: Uint8Array.of(0, 10, 61, 255) }],
      content: [Buffer.from('hello')],
    };
    const archive = join(dir, 'a.tar');
    for (const format of ['gnu', 'pax'] as const) {
      writeFileSync(archive, collectBytes(writeTar([member], { format }), 1e6));
      expect(output('tar', ['-tf', archive]).toString()).toBe(`${member.path}\n`);
    }
    const listed = output('tar', ['--xattrs', '--xattrs-include=*', '-tvvf', archive]).toString();
    expect(listed).toContain('user.binary');
  });
});
