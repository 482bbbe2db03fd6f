import { createHash, type Hash } from 'node:crypto';
import { type Compression, decompress, readCpio } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import { systemXzDecoder } from '@coppice/linux';
import type { Header } from '../header/header.ts';
import { Tag } from '../header/tag.ts';
import { checkFilePath, fileDigestAlgorithm, packageFiles, type RpmFile } from './files.ts';
import { digestName } from './hash-algorithm.ts';
import { isSourceHeader } from './rpm-package.ts';

export interface PayloadEntry {
  readonly file: RpmFile;
  readonly path: string;
  /** With the S_IF* type. */
  readonly mode: number;
  readonly size: number;
  /** For further names of a hard-linked file: the path whose content was given just before. They have nothing to read. */
  readonly hardlink: string | undefined;
  /** The content, once, before the next entry is asked for. Of a symbolic link: its target. */
  read(): Generator<Uint8Array>;
}

export interface PayloadOptions {
  /** Check the payload digest in the header (default true). */
  readonly verify?: boolean;
  /** Check each regular file against its digest while it is read (default false). */
  readonly verifyFiles?: boolean;
  /** Most bytes of uncompressed payload (default: what the header says, with room for archive headers). */
  readonly limit?: number;
}

/** Compression by the header's name, or by magic when it has none. */
export function payloadCompression(header: Header): Compression | 'auto' {
  const name = header.getString(Tag.PayloadCompressor);
  switch (name) {
    case 'gzip':
    case 'bzip2':
    case 'xz':
    case 'lzma':
    case 'zstd':
      return name;
    default:
      return 'auto';
  }
}

function* hashed(source: Iterable<Uint8Array>, hash: Hash): Generator<Uint8Array> {
  for (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Unpacked size a header promises: sum of file sizes plus room for archive headers and names. */
function plausibleSize(files: readonly RpmFile[]): number {
  return files.reduce((sum, file) => sum + file.size + file.path.length + file.linkTarget.length + 256, 1 << 20);
}

/** Content from which on it pays to load a native decoder. */
const nativeThreshold = 2 * 1024 * 1024;

const typeMask = 0o170000;
const regular = 0o100000;
const symlink = 0o120000;

/** The files of a payload. `compressed` starts at the payload's first byte. Throws `Corrupt`, `Limit`. */
export function* readPayload(
  header: Header,
  compressed: Iterable<Uint8Array>,
  options: PayloadOptions = {},
): Generator<PayloadEntry> {
  const files = packageFiles(header);
  const source = isSourceHeader(header);
  const byPath = new Map<string, RpmFile>();
  for (const file of files) byPath.set(file.path, file);
  const want = options.verify === false ? undefined : header.getStrings(Tag.PayloadDigest)[0];
  const digest = want === undefined ? undefined : digestName(header.getNumber(Tag.PayloadDigestAlgo) ?? 8);
  const hash = digest === undefined ? undefined : createHash(digest);
  const input = hash === undefined ? compressed : hashed(compressed, hash);
  const limit = options.limit ?? plausibleSize(files);
  const large = files.reduce((sum, file) => sum + file.size, 0) > nativeThreshold;
  const plain = decompress(input, payloadCompression(header), { limit, ...(large ? { xz: systemXzDecoder } : {}) });
  const fileDigest = options.verifyFiles ? fileDigestAlgorithm(header) : undefined;
  /** Names of hard-linked files that came without content and wait for it. */
  const waiting = new Map<string, RpmFile[]>();
  const groups = linkGroups(files);
  const seen = new Uint8Array(files.length);
  for (const entry of readCpio(plain, { sizeOf: (index) => strippedSize(files, groups, waiting, index) })) {
    let file: RpmFile | undefined;
    if (entry.index !== undefined) file = files[entry.index];
    else {
      const name = entry.fields!.name;
      file =
        byPath.get(source ? name : name.startsWith('./') ? name.slice(1) : name.startsWith('/') ? name : `/${name}`) ??
        byPath.get(name);
    }
    if (file === undefined)
      throw new CoppiceError('Corrupt', `Archive file not in header: ${entry.fields?.name ?? entry.index}`);
    if (seen[file.index]) throw new CoppiceError('Corrupt', `payload holds ${file.path} twice`);
    seen[file.index] = 1;
    checkFilePath(file.path, source);
    const mode = file.mode;
    if (entry.fields !== undefined && (entry.fields.mode & typeMask) !== (mode & typeMask))
      throw new CoppiceError('Corrupt', `payload and header disagree on the type of ${file.path}`);
    const group = (mode & typeMask) === regular ? groups.get(linkKey(file)) : undefined;
    if (group !== undefined && entry.size === 0 && file.size > 0) {
      const list = waiting.get(linkKey(file)) ?? [];
      list.push(file);
      waiting.set(linkKey(file), list);
      continue;
    }
    if ((mode & typeMask) === symlink && entry.size > 4096)
      throw new CoppiceError('Corrupt', `target of ${file.path} is too long`);
    const check = fileDigest !== undefined && (mode & typeMask) === regular && file.digest !== '';
    const read = check ? () => checkedData(entry.data(), file, fileDigest) : () => entry.data();
    yield { file, path: file.path, mode, size: entry.size, hardlink: undefined, read };
    if (group !== undefined) {
      for (const other of waiting.get(linkKey(file)) ?? []) yield linkEntry(other, file.path, entry.size);
      waiting.delete(linkKey(file));
    }
  }
  for (const list of waiting.values())
    if (list.length > 0) throw new CoppiceError('Corrupt', `payload has no content for ${list[0]!.path}`);
  // Let the hash see all of it: compressors may leave bytes after the end of the archive.
  for (const rest of plain) void rest;
  for (const rest of input) void rest;
  if (hash !== undefined && hash.digest('hex') !== want)
    throw new CoppiceError('Corrupt', 'payload digest does not match');
}

function linkEntry(file: RpmFile, target: string, size: number): PayloadEntry {
  return { file, path: file.path, mode: file.mode, size, hardlink: target, *read() {} };
}

const linkKey = (file: RpmFile): string => `${file.device}:${file.inode}`;

/** Regular non-ghost files that share device and inode. */
function linkGroups(files: readonly RpmFile[]): Map<string, RpmFile[]> {
  const groups = new Map<string, RpmFile[]>();
  for (const file of files) {
    if ((file.mode & typeMask) !== regular || file.flags & 64 || file.inode === 0) continue;
    const list = groups.get(linkKey(file));
    if (list === undefined) groups.set(linkKey(file), [file]);
    else list.push(file);
  }
  for (const [key, list] of groups) if (list.length < 2) groups.delete(key);
  return groups;
}

/** In a stripped archive only the last of a group of hard links has content. */
function strippedSize(
  files: readonly RpmFile[],
  groups: ReadonlyMap<string, RpmFile[]>,
  waiting: ReadonlyMap<string, RpmFile[]>,
  index: number,
): number {
  const file = files[index];
  if (file === undefined) throw new CoppiceError('Corrupt', `Archive file not in header: ${index}`);
  const type = file.mode & typeMask;
  if (type === symlink) return Buffer.byteLength(file.linkTarget);
  if (type !== regular) return 0;
  const group = groups.get(linkKey(file));
  if (group === undefined) return file.size;
  return (waiting.get(linkKey(file))?.length ?? 0) === group.length - 1 ? file.size : 0;
}

function* checkedData(data: Iterable<Uint8Array>, file: RpmFile, algorithm: string): Generator<Uint8Array> {
  const hash = createHash(algorithm);
  for (const piece of data) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest('hex') !== file.digest) throw new CoppiceError('Corrupt', `digest of ${file.path} does not match`);
}
