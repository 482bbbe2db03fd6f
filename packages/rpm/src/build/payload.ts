import { createHash } from 'node:crypto';
import { type CpioFields, type CpioMember, compress, encodeText, writeCpio } from '@coppice/archive';
import type { FileSystem } from '@coppice/base/fs';
import { type BuildFile, contentChunks, digested } from './file-list.ts';
import type { PayloadStore } from './payload-store.ts';
import type { PackageSpec } from './spec.ts';

export interface BuiltPayload {
  /** Compressed length. */
  readonly size: number;
  readonly archiveSize: number;
  /** SHA-256 of the compressed and of the plain archive. */
  readonly digest: string;
  readonly plainDigest: string;
}

const defaultLevels = { zstd: 19, gzip: 9, xz: 6, bzip2: 9, lzma: 6, none: 0 } as const;

/** PAYLOADCOMPRESSOR and PAYLOADFLAGS of a spec. */
export function payloadFormat(spec: PackageSpec): { compressor: keyof typeof defaultLevels; level: number } {
  const compressor = spec.payload?.compressor ?? 'zstd';
  return { compressor, level: spec.payload?.level ?? defaultLevels[compressor] };
}

function* members(files: readonly BuildFile[], stripped: boolean, fs: FileSystem): Generator<CpioMember> {
  const links = new Map<BuildFile, BuildFile[]>();
  for (const file of files) {
    if (file.primary === undefined) continue;
    const list = links.get(file.primary);
    if (list === undefined) links.set(file.primary, [file]);
    else list.push(file);
  }
  const numbers = new Map(files.map((file, index) => [file, index]));
  const member = (file: BuildFile, size: number, nlink: number, data?: Iterable<Uint8Array>): CpioMember => {
    const fields: CpioFields = {
      name: `.${file.path}`,
      ino: file.inode,
      mode: file.mode,
      uid: 0,
      gid: 0,
      nlink,
      mtime: file.mtime,
      size,
      devMajor: 0,
      devMinor: 0,
      rdevMajor: ((file.spec.rdev ?? 0) >> 8) & 0xff,
      rdevMinor: (file.spec.rdev ?? 0) & 0xff,
    };
    return { fields, ...(stripped ? { index: numbers.get(file)! } : {}), ...(data === undefined ? {} : { data }) };
  };
  const single = (file: BuildFile): CpioMember => {
    const type = file.mode & 0o170000;
    if (type === 0o120000) return member(file, file.size, 1, [encodeText(file.spec.target ?? '')]);
    if (type !== 0o100000) return member(file, 0, 1);
    return member(file, file.size, 1, digested(file, contentChunks(file.spec, fs)));
  };
  const present = files.filter((file) => !file.spec.ghost);
  for (const file of present) if (file.primary === undefined && !links.has(file)) yield single(file);
  // Sets of hard links come last, each with its content on the last name.
  for (const [primary, others] of links) {
    const set = [primary, ...others].sort((a, b) => numbers.get(a)! - numbers.get(b)!);
    for (const file of set.slice(0, -1)) yield member(file, 0, set.length);
    const last = set.at(-1)!;
    yield member(last, primary.size, set.length, digested(primary, contentChunks(primary.spec, fs)));
  }
}

/** Archives and compresses into `store`; fills in the digests of `files`. */
export function buildPayload(
  spec: PackageSpec,
  files: readonly BuildFile[],
  fs: FileSystem,
  store: PayloadStore,
): BuiltPayload {
  const { compressor, level } = payloadFormat(spec);
  const stripped = spec.payload?.stripped === true || files.some((file) => file.size > 0xffffffff);
  const plain = createHash('sha256');
  let archiveSize = 0;
  const archive = function* (): Generator<Uint8Array> {
    for (const piece of writeCpio(members(files, stripped, fs))) {
      plain.update(piece);
      archiveSize += piece.length;
      yield piece;
    }
  };
  let size = 0;
  const packed = createHash('sha256');
  for (const piece of compress(archive(), compressor, { level })) {
    packed.update(piece);
    store.write(piece);
    size += piece.length;
  }
  return { size, archiveSize, digest: packed.digest('hex'), plainDigest: plain.digest('hex') };
}
