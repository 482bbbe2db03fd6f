import type { FileSystem } from '@coppice/base/fs';
import { looseName, type ObjectType, objectSuffix, objectTypes, type RepoMode } from '../codec/object-type.ts';

/** A loose object found in `objects/`. */
export interface LooseObject {
  readonly checksum: string;
  readonly type: ObjectType;
}

/** File names directly below `objects/ab`, with 0 to 255 for `ab`; in directory order. */
function* objectDirectories(
  fs: Pick<FileSystem, 'readdir'>,
  repo: string,
  prefix: string,
): Generator<{ head: number; names: readonly string[] }, void, undefined> {
  for (let head = 0; head < 256; head++) {
    const digits = (head < 16 ? '0' : '') + head.toString(16);
    if (prefix.length >= 2 ? digits !== prefix.slice(0, 2) : !digits.startsWith(prefix)) continue;
    try {
      yield { head, names: fs.readdir(`${repo}/objects/${digits}`) };
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') throw error;
    }
  }
}

/** Loose objects of one repository directory in directory order; names that are not objects' are passed over. */
export function* looseObjects(
  fs: Pick<FileSystem, 'readdir'>,
  repo: string,
  mode: RepoMode,
  prefix = '',
): Generator<LooseObject, void, undefined> {
  const reader = new LooseNameReader(mode);
  for (const { head, names } of objectDirectories(fs, repo, prefix)) {
    for (const name of names) {
      const type = reader.read(head, name);
      if (type === undefined) continue;
      const { checksum } = reader;
      if (checksum.startsWith(prefix)) yield { checksum, type };
    }
  }
}

/** Checksums of the commits among the loose objects, in directory order. */
export function* looseCommits(
  fs: Pick<FileSystem, 'readdir'>,
  repo: string,
  mode: RepoMode,
): Generator<string, void, undefined> {
  const reader = new LooseNameReader(mode);
  for (const { head, names } of objectDirectories(fs, repo, '')) {
    // Among the names there are hundreds of others for each of them.
    for (const name of names)
      if (name.endsWith('.commit') && reader.read(head, name) === 'commit') yield reader.checksum;
  }
}

/** As `looseObjects`, without a string for each: `visit` finds the checksum in the reader. */
export function visitLooseObjects(
  fs: FileSystem,
  repo: string,
  mode: RepoMode,
  visit: (type: ObjectType, reader: LooseNameReader) => void,
): void {
  const reader = new LooseNameReader(mode);
  for (const { head, names } of objectDirectories(fs, repo, '')) {
    for (const name of names) {
      const type = reader.read(head, name);
      if (type !== undefined) visit(type, reader);
    }
  }
}

const dot = 0x2e;

/** Tells type and checksum of a name below `objects/ab`. */
export class LooseNameReader {
  /** The checksum of the last name that was an object's. */
  readonly bytes: Buffer = Buffer.alloc(32);
  readonly #types: ReadonlyMap<string, ObjectType>;
  #name = '';

  constructor(mode: RepoMode) {
    this.#types = new Map(objectTypes.map((type) => [`.${objectSuffix(type, mode)}`, type]));
  }

  get checksum(): string {
    return this.bytes.toString('hex');
  }

  /** The last name that was an object's, relative to `objects/`. */
  get looseName(): string {
    const head = this.bytes[0]!;
    return `${head < 16 ? '0' : ''}${head.toString(16)}/${this.#name}`;
  }

  /** Undefined for a name that is no object's. */
  read(head: number, name: string): ObjectType | undefined {
    if (name.charCodeAt(62) !== dot) return undefined;
    this.bytes[0] = head;
    // Digits of one case only; calls into the engine, which cost less than loops until these are compiled.
    if (this.bytes.write(name, 1, 31, 'hex') !== 31 || name.toLowerCase() !== name) return undefined;
    const type = this.#types.get(name.slice(62));
    if (type !== undefined) this.#name = name;
    return type;
  }
}
/** Path of a loose object in a repository directory. */
export function objectPath(repo: string, checksum: string, type: ObjectType, mode: RepoMode): string {
  return `${repo}/objects/${looseName(checksum, type, mode)}`;
}
