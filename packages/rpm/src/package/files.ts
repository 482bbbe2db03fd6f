import { CoppiceError } from '@coppice/base';
import type { Header } from '../header/header.ts';
import { Tag } from '../header/tag.ts';
import { digestName } from './hash-algorithm.ts';

/** RPMFILE_* flags. */
export const FileFlag = {
  config: 1,
  doc: 2,
  icon: 4,
  missingOk: 8,
  noReplace: 16,
  specFile: 32,
  ghost: 64,
  license: 128,
  readme: 256,
  pubkey: 2048,
  artifact: 4096,
} as const;

/** A file as the package header describes it. */
export interface RpmFile {
  /** Position in the header's file list. */
  readonly index: number;
  /** Absolute for binary packages, a bare name in source packages. Lossless (see `decodeText` of @coppice/archive). */
  readonly path: string;
  /** With the S_IF* type. */
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  /** Hex digest of the content, empty when there is none. */
  readonly digest: string;
  readonly linkTarget: string;
  readonly user: string;
  readonly group: string;
  readonly flags: number;
  readonly verifyFlags: number;
  readonly rdev: number;
  readonly device: number;
  readonly inode: number;
  readonly lang: string;
  /** ELF class bits: 1 32-bit, 2 64-bit. */
  readonly color: number;
  /** Text form of file capabilities, e.g. `cap_net_raw=ep`. */
  readonly caps: string;
  /** IMA signature in hex. */
  readonly imaSignature: string;
}

/** The hash of `RpmFile.digest`. */
export function fileDigestAlgorithm(header: Header): string {
  const number = header.getNumber(Tag.FileDigestAlgo) ?? 1;
  const name = digestName(number);
  if (name === undefined) throw new CoppiceError('Unsupported', `file digest algorithm ${number}`);
  return name;
}

/** Paths in header order, from the compressed form or the old one. Not checked: they may hold anything. */
export function filePaths(header: Header): string[] {
  const base = header.getStrings(Tag.BaseNames);
  if (base.length === 0) return header.getStrings(Tag.OldFileNames);
  const dirs = header.getStrings(Tag.DirNames);
  const indexes = header.getNumbers(Tag.DirIndexes);
  const out: string[] = new Array(base.length);
  for (let i = 0; i < base.length; i++) {
    const dir = dirs[indexes[i] ?? -1];
    if (dir === undefined) throw new CoppiceError('Corrupt', 'RPM header: file without a directory');
    out[i] = dir + base[i]!;
  }
  return out;
}

/** Every file of the header, ghosts included. Throws `Corrupt` when the parallel arrays disagree. */
export function packageFiles(header: Header): RpmFile[] {
  const paths = filePaths(header);
  const n = paths.length;
  if (n === 0) return [];
  const numbers = (tag: number): readonly number[] => {
    const list = header.getNumbers(tag);
    if (list.length !== 0 && list.length !== n)
      throw new CoppiceError('Corrupt', `RPM header: tag ${tag} has ${list.length} values for ${n} files`);
    return list;
  };
  const strings = (tag: number): readonly string[] => {
    const list = header.getStrings(tag);
    if (list.length !== 0 && list.length !== n)
      throw new CoppiceError('Corrupt', `RPM header: tag ${tag} has ${list.length} values for ${n} files`);
    return list;
  };
  const sizes = header.has(Tag.LongFileSizes) ? numbers(Tag.LongFileSizes) : numbers(Tag.FileSizes);
  const modes = numbers(Tag.FileModes);
  const mtimes = numbers(Tag.FileMtimes);
  const digests = strings(Tag.FileDigests);
  const links = strings(Tag.FileLinkTos);
  const users = strings(Tag.FileUserName);
  const groups = strings(Tag.FileGroupName);
  const flags = numbers(Tag.FileFlags);
  const verify = numbers(Tag.FileVerifyFlags);
  const rdevs = numbers(Tag.FileRdevs);
  const devices = numbers(Tag.FileDevices);
  const inodes = numbers(Tag.FileInodes);
  const langs = strings(Tag.FileLangs);
  const colors = numbers(Tag.FileColors);
  const caps = strings(Tag.FileCaps);
  const ima = header.has(Tag.FileSignatures) ? strings(Tag.FileSignatures) : [];
  return paths.map((path, i) => ({
    index: i,
    path,
    mode: modes[i] ?? 0,
    size: sizes[i] ?? 0,
    mtime: mtimes[i] ?? 0,
    digest: digests[i] ?? '',
    linkTarget: links[i] ?? '',
    user: users[i] ?? 'root',
    group: groups[i] ?? 'root',
    flags: flags[i] ?? 0,
    verifyFlags: verify[i] ?? 0xffffffff,
    rdev: rdevs[i] ?? 0,
    device: devices[i] ?? 0,
    inode: inodes[i] ?? 0,
    lang: langs[i] ?? '',
    color: colors[i] ?? 0,
    caps: caps[i] ?? '',
    imaSignature: ima[i] ?? '',
  }));
}

/**
 * Throws `Corrupt` unless `path` is what a payload may unpack: absolute (or relative in source packages) without empty,
 * `.` or `..` components.
 */
export function checkFilePath(path: string, source: boolean): void {
  const relative = path.startsWith('/') ? path.slice(1) : path;
  const rooted = path.startsWith('/') || source;
  const fine =
    rooted &&
    path.length <= 4096 &&
    (relative === '' || relative.split('/').every((part) => part !== '' && part !== '.' && part !== '..')) &&
    !path.includes('\0');
  if (!fine) throw new CoppiceError('Corrupt', `RPM header: unsafe file name ${JSON.stringify(path)}`);
}
