import { CoppiceError } from '@coppice/base';
import { compareNames } from './compare-names.ts';
import { DirTreeCursor } from './dirtree-cursor.ts';
import { asBuffer, offsetWidth, readString, writeOffset } from './framing.ts';

export interface DirTreeFile {
  readonly name: string;
  readonly checksum: string;
}

export interface DirTreeDir {
  readonly name: string;
  /** Checksum of the child's dirtree object. */
  readonly tree: string;
  /** Checksum of the child's dirmeta object. */
  readonly meta: string;
}

/** One directory's entries: GVariant `(a(say)a(sayay))`, both lists sorted by name bytes. */
export interface DirTree {
  readonly files: readonly DirTreeFile[];
  readonly dirs: readonly DirTreeDir[];
}

/** Bytes of a dirtree object. Sorts the entries; names must have passed `checkEntryName`. */
export function encodeDirTree(tree: DirTree): Buffer {
  const files = [...tree.files].sort((a, b) => compareNames(a.name, b.name));
  const dirs = [...tree.dirs].sort((a, b) => compareNames(a.name, b.name));
  const fileNames = files.map((f) => Buffer.byteLength(f.name) + 1);
  const dirNames = dirs.map((d) => Buffer.byteLength(d.name) + 1);
  const fileSizes = fileNames.map((n) => n + 32 + offsetWidth(n + 32, 1));
  const dirSizes = dirNames.map((n) => n + 64 + 2 * offsetWidth(n + 64, 2));
  const filesBody = fileSizes.reduce((a, b) => a + b, 0);
  const dirsBody = dirSizes.reduce((a, b) => a + b, 0);
  const filesWidth = files.length === 0 ? 0 : offsetWidth(filesBody, files.length);
  const dirsWidth = dirs.length === 0 ? 0 : offsetWidth(dirsBody, dirs.length);
  const filesEnd = filesBody + filesWidth * files.length;
  const body = filesEnd + dirsBody + dirsWidth * dirs.length;
  const width = offsetWidth(body, 1);
  const out = Buffer.allocUnsafe(body + width);
  let at = 0;
  let table = filesBody;
  for (let i = 0; i < files.length; i++) {
    const name = fileNames[i]!;
    out.write(files[i]!.name, at, 'utf8');
    out[at + name - 1] = 0;
    out.write(files[i]!.checksum, at + name, 'hex');
    writeOffset(out, at + name + 32, fileSizes[i]! - name - 32, name);
    at += fileSizes[i]!;
    writeOffset(out, table, filesWidth, at);
    table += filesWidth;
  }
  at = filesEnd;
  table = filesEnd + dirsBody;
  for (let i = 0; i < dirs.length; i++) {
    const name = dirNames[i]!;
    const w = (dirSizes[i]! - name - 64) / 2;
    out.write(dirs[i]!.name, at, 'utf8');
    out[at + name - 1] = 0;
    out.write(dirs[i]!.tree, at + name, 'hex');
    out.write(dirs[i]!.meta, at + name + 32, 'hex');
    writeOffset(out, at + name + 64, w, name + 32);
    writeOffset(out, at + name + 64 + w, w, name);
    at += dirSizes[i]!;
    writeOffset(out, table, dirsWidth, at - filesEnd);
    table += dirsWidth;
  }
  writeOffset(out, body, width, filesEnd);
  return out;
}

/** Where the parts of entries lie in a dirtree object: names without their NUL, checksums of 32 bytes. */
export interface DirTreeVisitor {
  file(nameStart: number, nameEnd: number, checksum: number): void;
  dir(nameStart: number, nameEnd: number, tree: number, meta: number): void;
}

/** Walks over a dirtree object; throws `Corrupt` unless it is normal form with 32-byte checksums. Names are the visitor's. */
export function visitDirTree(bytes: Buffer, visitor: DirTreeVisitor): void {
  const cursor = new DirTreeCursor();
  cursor.start(bytes, bytes.length);
  while (cursor.nextFile()) visitor.file(cursor.nameStart, cursor.nameEnd, cursor.nameEnd);
  while (cursor.nextDir()) visitor.dir(cursor.nameStart, cursor.nameEnd, cursor.nameEnd, cursor.nameEnd + 32);
}

/** Reads a dirtree object; throws `Corrupt` unless it is normal form with safe names and 32-byte checksums. */
export function decodeDirTree(source: Uint8Array): DirTree {
  const bytes = asBuffer(source);
  const files: DirTreeFile[] = [];
  const dirs: DirTreeDir[] = [];
  const name = (start: number, end: number): string => checkEntryName(readString(bytes, start, end, 'dirtree'));
  visitDirTree(bytes, {
    file(start, end, checksum) {
      files.push({ name: name(start, end), checksum: bytes.toString('hex', checksum, checksum + 32) });
    },
    dir(start, end, tree, meta) {
      dirs.push({
        name: name(start, end),
        tree: bytes.toString('hex', tree, tree + 32),
        meta: bytes.toString('hex', meta, meta + 32),
      });
    },
  });
  return { files, dirs };
}

/** As `checkEntryName`, on a NUL-terminated name in place; only a name that is not ASCII is decoded. */
export function checkEntryBytes(bytes: Buffer, start: number, end: number): void {
  let plain = end - start > 1 && bytes[end - 1] === 0;
  for (let i = start; plain && i < end - 1; i++) {
    const byte = bytes[i]!;
    plain = byte > 0x2f ? byte < 0x80 : byte !== 0 && byte !== 0x2f;
  }
  const dots =
    plain && bytes[start] === 0x2e && (end - start === 2 || (end - start === 3 && bytes[start + 1] === 0x2e));
  if (!plain || dots) checkEntryName(readString(bytes, start, end, 'dirtree'));
}

/** Throws `Invalid` unless `name` can be a directory entry; libostree's words. */
export function checkEntryName(name: string): string {
  if (name === '') throw new CoppiceError('Invalid', 'Invalid empty filename');
  if (name === '.') throw new CoppiceError('Invalid', "Invalid self-referential filename '.'");
  if (name === '..') throw new CoppiceError('Invalid', "Invalid path uplink filename '..'");
  if (name.includes('/')) throw new CoppiceError('Invalid', `Invalid / in filename ${name}`);
  if (name.includes('\0')) throw new CoppiceError('Invalid', 'Invalid NUL in filename');
  // A lone surrogate stands for a byte that is not UTF-8 where a name came from an archive.
  if (!name.isWellFormed()) throw new CoppiceError('Invalid', `Invalid UTF-8 in filename ${name.toWellFormed()}`);
  return name;
}
