import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { encodeText } from '@coppice/archive';
import { CoppiceError, compareBytes, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { chunksOf } from '@coppice/linux';
import type { HeaderBuilder } from '../header/header-builder.ts';
import { Tag } from '../header/tag.ts';
import { checkFilePath, FileFlag } from '../package/files.ts';
import type { DependencySet } from './dependency-set.ts';
import type { FileSpec, PackageSpec } from './spec.ts';

/** A file on its way into the package; `digest` and `color` are known once its content has gone by. */
export interface BuildFile {
  readonly spec: FileSpec;
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly flags: number;
  readonly inode: number;
  /** The file whose content this one shares; itself when it is not a hard link. */
  readonly primary: BuildFile | undefined;
  digest: string;
  color: number;
}

const typeBits = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  char: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
} as const;

function flagsOf(spec: FileSpec): number {
  return (
    (spec.config ? FileFlag.config : 0) |
    (spec.config === 'noreplace' ? FileFlag.noReplace : 0) |
    (spec.doc ? FileFlag.doc : 0) |
    (spec.license ? FileFlag.license : 0) |
    (spec.missingOk ? FileFlag.missingOk : 0) |
    (spec.artifact ? FileFlag.artifact : 0) |
    (spec.ghost ? FileFlag.ghost : 0)
  );
}

function contentSize(spec: FileSpec, fs: FileSystem): number {
  const { content } = spec;
  if (content === undefined) return spec.size ?? 0;
  if (typeof content === 'string') return Buffer.byteLength(content);
  if (content instanceof Uint8Array) return content.length;
  if ('file' in content) {
    const stat = fs.stat(content.file);
    if (stat === undefined) throw new CoppiceError('NotFound', `${content.file}: No such file or directory`);
    return stat.size;
  }
  return content.size;
}

/** Content as chunks; files are read through `fs`. */
export function* contentChunks(spec: FileSpec, fs: FileSystem): Generator<Uint8Array> {
  const { content } = spec;
  if (content === undefined) return;
  if (typeof content === 'string') yield Buffer.from(content);
  else if (content instanceof Uint8Array) yield content;
  else if ('file' in content) {
    let fd: number;
    try {
      fd = fs.open(content.file, constants.O_RDONLY);
    } catch (error) {
      throw errnoError(error, content.file);
    }
    try {
      yield* chunksOf(fs, fd);
    } finally {
      fs.close(fd);
    }
  } else yield* content.chunks();
}

/** Checks, sorts and numbers the files as rpmbuild does. Throws `Invalid` on bad or doubled paths and dangling hard links. */
export function layOutFiles(spec: PackageSpec, fs: FileSystem): BuildFile[] {
  const buildTime = spec.buildTime ?? 0;
  const specs = [...(spec.files ?? [])].sort((a, b) => compareBytes(encodeText(a.path), encodeText(b.path)));
  const byPath = new Map<string, BuildFile>();
  const numbers = new Map(specs.map((s, i) => [s.path, i + 1]));
  const make = (file: FileSpec, primary: BuildFile | undefined): BuildFile => {
    checkFilePath(file.path, false);
    if (!file.path.startsWith('/')) throw new CoppiceError('Invalid', `file path ${file.path} is not absolute`);
    if (byPath.has(file.path)) throw new CoppiceError('Invalid', `file ${file.path} is listed twice`);
    const type = file.type ?? (file.target !== undefined ? 'symlink' : 'file');
    const permissions = file.mode ?? (type === 'symlink' ? 0o777 : type === 'directory' ? 0o755 : 0o644);
    const size =
      type === 'symlink'
        ? encodeText(file.target ?? '').length
        : type === 'file'
          ? primary !== undefined
            ? primary.size
            : contentSize(file, fs)
          : 0;
    const made: BuildFile = {
      spec: file,
      path: file.path,
      mode: typeBits[type] | (permissions & 0o7777),
      size,
      mtime: file.mtime ?? buildTime,
      flags: flagsOf(file),
      inode: primary?.inode ?? numbers.get(file.path)!,
      primary,
      digest: '',
      color: 0,
    };
    byPath.set(file.path, made);
    return made;
  };
  for (const file of specs) if (file.hardlink === undefined) make(file, undefined);
  for (const file of specs) {
    if (file.hardlink === undefined) continue;
    const primary = byPath.get(file.hardlink);
    if (primary === undefined || primary.primary !== undefined || (primary.mode & 0o170000) !== 0o100000)
      throw new CoppiceError(
        'Invalid',
        `${file.path} is a hard link to ${file.hardlink}, which is no file of the package`,
      );
    make({ ...file, mode: file.mode ?? primary.mode & 0o7777 }, primary);
  }
  return specs.map((s) => byPath.get(s.path)!);
}

/** Passes content through while taking its digest and ELF class. */
export function* digested(file: BuildFile, chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  const hash = createHash('sha256');
  let first = true;
  for (const piece of chunks) {
    if (first && piece.length >= 5 && piece[0] === 0x7f && piece[1] === 0x45 && piece[2] === 0x4c && piece[3] === 0x46)
      file.color = piece[4] === 2 ? 2 : piece[4] === 1 ? 1 : 0;
    first = false;
    hash.update(piece);
    yield piece;
  }
  file.digest = hash.digest('hex');
}

/** RPMVERIFY bits that rpmbuild leaves set for a %ghost: not size, digest, time, link target. */
const ghostVerify = (0xffffffff & ~(1 | 2 | 4 | 32)) >>> 0;

/** The file tags. Call after the payload has been made. */
export function putFiles(files: readonly BuildFile[], builder: HeaderBuilder, requires: DependencySet): void {
  requires.needsFeature('CompressedFileNames', '3.0.4-1');
  requires.needsFeature('FileDigests', '4.6.0-1');
  requires.needsFeature('PayloadFilesHavePrefix', '4.0-1');
  // rpmbuild counts what files and symbolic links hold, each set of hard links once.
  const counted = (f: BuildFile): boolean =>
    !f.spec.ghost && f.primary === undefined && [0o100000, 0o120000].includes(f.mode & 0o170000);
  const total = files.reduce((n, f) => (counted(f) ? n + f.size : n), 0);
  const large = files.some((f) => f.size > 0xffffffff);
  if (total > 0xffffffff) builder.put(Tag.LongSize, total);
  else builder.put(Tag.Size, total);
  if (files.length === 0) return;
  if (large) {
    requires.needsFeature('LargeFiles', '4.12.0-1');
    builder.put(
      Tag.LongFileSizes,
      files.map((f) => f.size),
    );
  } else
    builder.put(
      Tag.FileSizes,
      files.map((f) => f.size),
    );
  const dirs: string[] = [];
  const dirNumbers = new Map<string, number>();
  const indexes: number[] = [];
  const names: string[] = [];
  for (const file of files) {
    const slash = file.path.lastIndexOf('/') + 1;
    const dir = file.path.slice(0, slash);
    let number = dirNumbers.get(dir);
    if (number === undefined) {
      number = dirs.length;
      dirs.push(dir);
      dirNumbers.set(dir, number);
    }
    indexes.push(number);
    names.push(file.path.slice(slash));
  }
  builder
    .put(Tag.DirIndexes, indexes)
    .put(Tag.BaseNames, names)
    .put(Tag.DirNames, dirs)
    .put(
      Tag.FileModes,
      files.map((f) => f.mode),
    )
    .put(
      Tag.FileRdevs,
      files.map((f) => f.spec.rdev ?? 0),
    )
    .put(
      Tag.FileMtimes,
      files.map((f) => f.mtime),
    )
    .put(
      Tag.FileDigests,
      files.map((f) => (f.spec.ghost ? '' : (f.primary?.digest ?? f.digest))),
    )
    .put(
      Tag.FileLinkTos,
      files.map((f) => f.spec.target ?? ''),
    )
    .put(
      Tag.FileFlags,
      files.map((f) => f.flags),
    )
    .put(
      Tag.FileUserName,
      files.map((f) => f.spec.user ?? 'root'),
    )
    .put(
      Tag.FileGroupName,
      files.map((f) => f.spec.group ?? 'root'),
    )
    .put(
      Tag.FileVerifyFlags,
      files.map((f) => f.spec.verify ?? (f.spec.ghost ? ghostVerify : 0xffffffff)),
    )
    .put(
      Tag.FileDevices,
      files.map((f) => (f.spec.ghost && f.spec.content === undefined ? 0 : 1)),
    )
    .put(
      Tag.FileInodes,
      files.map((f) => f.inode),
    )
    .put(
      Tag.FileLangs,
      files.map((f) => f.spec.lang ?? ''),
    )
    .put(
      Tag.FileColors,
      files.map((f) => f.primary?.color ?? f.color),
    )
    .put(Tag.FileDigestAlgo, 8);
  if (files.some((f) => f.spec.caps)) {
    builder.put(
      Tag.FileCaps,
      files.map((f) => f.spec.caps ?? ''),
    );
    requires.needsFeature('FileCaps', '4.6.1-1');
  }
  if (files.some((f) => f.primary !== undefined)) requires.needsFeature('PartialHardlinkSets', '4.0.4-1');
}
