import { type Value, Variant } from '@coppice/gvariant';
import { Deflate } from 'pako';
import { encodeArchiveHeader } from './codec/file-header.ts';
import { isSymlink } from './codec/mode-bits.ts';
import { type ObjectType, objectTypeNumber } from './codec/object-type.ts';
import { encodeVarint } from './codec/varint.ts';
import type { TreeRecord } from './mutable-tree.ts';
import type { Repo } from './repo.ts';

/**
 * The `ostree.sizes` metadata of a commit: for each object that the last source of its tree brought, and each directory that
 * was stored since, the size it has in an archive repository and its unpacked size. These enter the commit's checksum, so the
 * compressed sizes are those of stock zlib, which the deflate in Node does not reproduce.
 */
export function commitSizes(repo: Repo, record: TreeRecord): Variant {
  const types: (readonly [ObjectType, ReadonlySet<string>])[] = [
    ['file', record.files],
    ['dirmeta', record.metas],
    ['dirtree', record.trees],
  ];
  const found = types.flatMap(([type, checksums]) => Array.from(checksums, (checksum) => ({ type, checksum })));
  found.sort((a, b) => (a.checksum < b.checksum ? -1 : 1));
  return new Variant(
    'aay',
    found.map(({ type, checksum }) => entry(repo, type, checksum) as Value),
  );
}

function entry(repo: Repo, type: ObjectType, checksum: string): Uint8Array {
  const { archived, unpacked } = type === 'file' ? fileSizes(repo, checksum) : metaSizes(repo, type, checksum);
  return Buffer.concat([
    Buffer.from(checksum, 'hex'),
    Buffer.from([...encodeVarint(archived), ...encodeVarint(unpacked), objectTypeNumber(type)]),
  ]);
}

function metaSizes(repo: Repo, type: ObjectType, checksum: string): { archived: number; unpacked: number } {
  const { length } = repo.loadMetadata(type, checksum);
  return { archived: length, unpacked: length };
}

function fileSizes(repo: Repo, checksum: string): { archived: number; unpacked: number } {
  const { header, size, read } = repo.loadFile(checksum);
  const link = isSymlink(header.mode);
  const head = encodeArchiveHeader(header, link ? 0 : size).length;
  if (link) return { archived: head, unpacked: Buffer.byteLength(header.symlinkTarget) };
  let compressed = 0;
  // pako 2 is a port of stock zlib; pako 3 gives the same bytes as Node.
  const deflate = new Deflate({ raw: true, level: repo.settings.zlibLevel as 6 });
  deflate.onData = (piece: Uint8Array) => {
    compressed += piece.length;
  };
  for (const piece of read()) deflate.push(piece, false);
  deflate.push(new Uint8Array(0), true);
  return { archived: head + compressed, unpacked: size };
}
