// What `rpm -V` looks at: whether the files of an installed package still are as its header describes them.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { strerror } from '@coppice/base';
import type { FileStat, FileSystem } from '@coppice/base/fs';
import { chunksOf, hostFs } from '@coppice/linux';
import type { Header } from '../header/header.ts';
import { Tag } from '../header/tag.ts';
import { FileFlag, fileDigestAlgorithm, packageFiles, type RpmFile } from '../package/files.ts';
import { pathInRoot } from './root-path.ts';
import { fileFlagLetters, verifyString } from './value-format.ts';

/** Bits of what can be compared (RPMVERIFY_*). */
export const VerifyFlag = {
  digest: 1,
  size: 2,
  link: 4,
  user: 8,
  group: 16,
  mtime: 32,
  mode: 64,
  device: 128,
  caps: 256,
} as const;

const failed = { readlink: 1 << 28, read: 1 << 29 } as const;
const every = 0x1ff;
const type = {
  mask: 0o170000,
  regular: 0o100000,
  directory: 0o040000,
  link: 0o120000,
  char: 0o020000,
  block: 0o060000,
};

export interface VerifyFilesOptions {
  readonly fs?: FileSystem;
  /** Where the system is whose files are looked at; default `/`. */
  readonly root?: string;
  /** What is not compared: `VerifyFlag` bits. */
  readonly omit?: number;
  /** Only files with one of these flags (`FileFlag`). */
  readonly only?: number;
  /** No files with one of these. */
  readonly without?: number;
  /** Also name files that are as they should be. */
  readonly verbose?: boolean;
  /** How many installed packages own the file: times of those with several owners are not compared. Default 1. */
  readonly owners?: (path: string) => number;
  /** `security.capability` of a capability text; without it capabilities are not compared. */
  readonly encodeCapabilities?: (text: string) => Uint8Array | undefined;
}

/** Names by number out of `/etc/passwd` or `/etc/group`. */
function namesIn(fs: FileSystem, root: string, path: string): ReadonlyMap<number, string> {
  const out = new Map<number, string>();
  const real = pathInRoot(fs, root, path);
  const text = real === undefined ? undefined : readText(fs, `${root}${real}`);
  for (const line of (text ?? '').split('\n')) {
    const [name, , id] = line.split(':');
    if (name === undefined || id === undefined || !/^\d+$/.test(id)) continue;
    if (!out.has(Number(id))) out.set(Number(id), name);
  }
  return out;
}

function readText(fs: FileSystem, path: string): string | undefined {
  try {
    const pieces: Buffer[] = [];
    for (const piece of contentOf(fs, path)) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces).toString();
  } catch {
    return undefined;
  }
}

/** A regular file in pieces; the same buffer is used again. Opened without waiting for a FIFO that took its place. */
function* contentOf(fs: FileSystem, path: string): Generator<Uint8Array> {
  const fd = fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    yield* chunksOf(fs, fd);
  } finally {
    fs.close(fd);
  }
}

interface Seen {
  readonly result: number;
  /** Why there is no file. */
  readonly missing?: string;
}

class FileVerifier {
  readonly #fs: FileSystem;
  readonly #root: string;
  readonly #options: VerifyFilesOptions;
  readonly #algorithm: string;
  readonly #users: ReadonlyMap<number, string>;
  readonly #groups: ReadonlyMap<number, string>;

  constructor(header: Header, options: VerifyFilesOptions) {
    this.#fs = options.fs ?? hostFs;
    this.#root = (options.root ?? '/').replace(/\/+$/, '');
    this.#options = options;
    this.#algorithm = fileDigestAlgorithm(header);
    this.#users = namesIn(this.#fs, this.#root, '/etc/passwd');
    this.#groups = namesIn(this.#fs, this.#root, '/etc/group');
  }

  /** `wrongColor`: only what the file shares with the one of another architecture that was installed in its place. */
  look(file: RpmFile, wrongColor: boolean): Seen {
    const inside = pathInRoot(this.#fs, this.#root, file.path);
    if (inside === undefined) return { result: 0, missing: strerror('ELOOP') };
    const path = `${this.#root}${inside}`;
    let stat: FileStat | undefined;
    try {
      stat = this.#fs.lstat(path);
    } catch (error) {
      return { result: 0, missing: strerror((error as { code?: string }).code ?? 'EIO') };
    }
    if (stat === undefined) return { result: 0, missing: this.#whyMissing(inside) };
    stat = this.#directoryBehind(file, path, stat);
    let flags = every & file.verifyFlags & ~(this.#options.omit ?? 0);
    if (wrongColor) flags &= ~(VerifyFlag.digest | VerifyFlag.size | VerifyFlag.mtime | VerifyFlag.device);
    const kind = stat.mode & type.mask;
    flags &= kind === type.link ? ~VerifyFlag.mode : ~VerifyFlag.link;
    if (kind !== type.regular) flags &= ~(VerifyFlag.digest | VerifyFlag.size | VerifyFlag.mtime | VerifyFlag.caps);
    if (file.flags & FileFlag.ghost)
      flags &= ~(VerifyFlag.digest | VerifyFlag.size | VerifyFlag.mtime | VerifyFlag.link);
    return { result: this.#compare(file, path, stat, flags) };
  }

  /** Nothing is said of what is just not there. */
  #whyMissing(path: string): string {
    let parent = path;
    for (;;) {
      parent = parent.slice(0, parent.lastIndexOf('/'));
      if (parent === '') return '';
      const stat = this.#fs.lstat(`${this.#root}${parent}`);
      if (stat !== undefined) return (stat.mode & type.mask) === type.directory ? '' : strerror('ENOTDIR');
    }
  }

  /** A link in place of a directory is followed when it leads to one and belongs to somebody who may have made it. */
  #directoryBehind(file: RpmFile, path: string, stat: FileStat): FileStat {
    if ((file.mode & type.mask) !== type.directory || (stat.mode & type.mask) !== type.link) return stat;
    const real = pathInRoot(this.#fs, this.#root, `${path.slice(this.#root.length)}/.`);
    const behind = real === undefined ? undefined : this.#fs.lstat(`${this.#root}${real}`);
    const isDirectory = behind !== undefined && (behind.mode & type.mask) === type.directory;
    return isDirectory && (stat.uid === 0 || stat.uid === behind.uid) ? behind : stat;
  }

  #compare(file: RpmFile, path: string, stat: FileStat, flags: number): number {
    let result = 0;
    const differs = (flag: number, wrong: () => boolean): void => {
      if (flags & flag && wrong()) result |= flag;
    };
    if (flags & VerifyFlag.digest) result |= this.#digest(file, path);
    if (flags & VerifyFlag.link) result |= this.#link(file, path);
    differs(VerifyFlag.size, () => stat.size !== file.size);
    differs(VerifyFlag.mode, () => {
      const bits = file.flags & FileFlag.ghost ? 0o7777 : 0xffff;
      return (stat.mode & bits) !== (file.mode & bits);
    });
    differs(VerifyFlag.device, () => {
      const [was, is] = [file.mode & type.mask, stat.mode & type.mask];
      const isDevice = (kind: number): boolean => kind === type.char || kind === type.block;
      if (isDevice(was) || isDevice(is)) return was !== is || (stat.rdev & 0xffff) !== (file.rdev & 0xffff);
      return false;
    });
    differs(VerifyFlag.caps, () => !this.#sameCapabilities(file, path));
    differs(VerifyFlag.mtime, () => Math.floor(stat.mtimeMs / 1000) !== file.mtime);
    differs(VerifyFlag.user, () => this.#users.get(stat.uid) !== file.user);
    differs(VerifyFlag.group, () => this.#groups.get(stat.gid) !== file.group);
    if (result & VerifyFlag.mtime && (this.#options.owners?.(file.path) ?? 1) > 1) result &= ~VerifyFlag.mtime;
    return result;
  }

  #digest(file: RpmFile, path: string): number {
    if (file.digest === '') return VerifyFlag.digest;
    try {
      const hash = createHash(this.#algorithm);
      for (const piece of contentOf(this.#fs, path)) hash.update(piece);
      return hash.digest('hex') === file.digest ? 0 : VerifyFlag.digest;
    } catch {
      return VerifyFlag.digest | failed.read;
    }
  }

  #link(file: RpmFile, path: string): number {
    try {
      return this.#fs.readlink(path) === file.linkTarget ? 0 : VerifyFlag.link;
    } catch {
      return VerifyFlag.link | failed.readlink;
    }
  }

  #sameCapabilities(file: RpmFile, path: string): boolean {
    const { encodeCapabilities } = this.#options;
    if (encodeCapabilities === undefined) return true;
    const is = this.#fs.getxattr(path, 'security.capability');
    if (file.caps === '' || is === undefined) return file.caps === '' && is === undefined;
    const should = encodeCapabilities(file.caps);
    return should !== undefined && is.equals(should);
  }
}

const stateWords: readonly string[] = ['', ' (replaced)', ' (not installed)', ' (net shared)', ' (wrong color)'];

/** The one letter that lines have of a file's flags. */
const letterOf = (file: RpmFile): string => fileFlagLetters(file.flags)[0] ?? ' ';

/** A line per file that is not as it should be, as `rpm -V` has them. */
export function verifyFilesLines(header: Header, options: VerifyFilesOptions = {}): string[] {
  const files = packageFiles(header);
  if (files.length === 0) return [];
  const states = header.getNumbers(Tag.FileStates);
  const verifier = new FileVerifier(header, options);
  const { only, without = 0, verbose = false } = options;
  const out: string[] = [];
  for (const file of files) {
    if ((only !== undefined && (file.flags & only) === 0) || (file.flags & without) !== 0) continue;
    const state = states[file.index] ?? 0;
    const isElsewhere = state === 2 || state === 3;
    const seen = isElsewhere ? { result: 0 } : verifier.look(file, state === 4);
    if (seen.missing !== undefined) {
      if ((file.flags & (FileFlag.missingOk | FileFlag.ghost)) !== 0 && !verbose) continue;
      out.push(`missing   ${letterOf(file)} ${file.path}${seen.missing === '' ? '' : ` (${seen.missing})`}`);
      continue;
    }
    // Of a file that another package replaced only its being there counts.
    const result = state === 1 ? 0 : seen.result;
    if (result === 0 && !verbose) continue;
    out.push(`${verifyString(result, '.')}  ${letterOf(file)} ${file.path}${stateWords[state] ?? ''}`);
  }
  return out;
}
