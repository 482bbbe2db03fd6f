// Extended attributes in EROFS: attributes that several inodes have lie in one shared area, the others in their inode.

import { xxhash32 } from './xxhash32.ts';

const prefixes: readonly (readonly [prefix: string, index: number])[] = [
  ['user.', 1],
  ['system.posix_acl_access', 2],
  ['system.posix_acl_default', 3],
  ['trusted.', 4],
  ['security.', 6],
];
const filterSeed = 0x25bbe08f;
/** More shared attributes do not fit an inode. */
const sharedLimit = 128;

export interface ErofsXattr {
  readonly name: Buffer;
  readonly value: Uint8Array;
  /** The same for equal attributes. */
  readonly key: string;
  readonly index: number;
  /** What follows the prefix that `index` stands for. */
  readonly suffix: Buffer;
}

export function erofsXattr(name: string, value: Uint8Array): ErofsXattr {
  const bytes = Buffer.from(name);
  const [prefix, index] = prefixes.find(([p]) => name.startsWith(p)) ?? ['', 0];
  const suffix = bytes.subarray(Buffer.byteLength(prefix));
  return { name: bytes, value, key: `${name}\0${Buffer.from(value).toString('latin1')}`, index, suffix };
}

const entrySize = ({ suffix, value }: ErofsXattr): number => (4 + suffix.length + value.length + 3) & ~3;

function writeEntry(out: Buffer, at: number, xattr: ErofsXattr): number {
  out.writeUInt8(xattr.suffix.length, at);
  out.writeUInt8(xattr.index, at + 1);
  out.writeUInt16LE(xattr.value.length, at + 2);
  out.set(xattr.suffix, at + 4);
  out.set(xattr.value, at + 4 + xattr.suffix.length);
  return at + entrySize(xattr);
}

/** The attributes of one inode, split into shared and own ones. */
export interface PlacedXattrs {
  readonly all: readonly ErofsXattr[];
  readonly shared: readonly number[];
  readonly own: readonly ErofsXattr[];
  /** Bytes they take in the inode. */
  readonly size: number;
}

/** The attributes of a whole image: what is shared lies in canonical order, by name, length and value, all downwards. */
export class SharedXattrs {
  readonly #offsets = new Map<string, number>();
  readonly #sorted: ErofsXattr[];
  readonly size: number;

  constructor(inodes: Iterable<readonly ErofsXattr[]>) {
    const uses = new Map<string, { xattr: ErofsXattr; count: number }>();
    for (const xattrs of inodes)
      for (const xattr of xattrs) {
        const use = uses.get(xattr.key);
        if (use === undefined) uses.set(xattr.key, { xattr, count: 1 });
        else use.count += 1;
      }
    this.#sorted = [...uses.values()].filter((use) => use.count > 1).map((use) => use.xattr);
    this.#sorted.sort(
      (a, b) => Buffer.compare(b.name, a.name) || b.value.length - a.value.length || Buffer.compare(b.value, a.value),
    );
    let at = 0;
    for (const xattr of this.#sorted) {
      this.#offsets.set(xattr.key, at);
      at += entrySize(xattr);
    }
    this.size = at;
  }

  place(all: readonly ErofsXattr[]): PlacedXattrs {
    const shared: number[] = [];
    const own: ErofsXattr[] = [];
    for (const xattr of all) {
      const offset = shared.length < sharedLimit ? this.#offsets.get(xattr.key) : undefined;
      if (offset === undefined) own.push(xattr);
      else shared.push(offset);
    }
    const size = all.length === 0 ? 0 : 12 + 4 * shared.length + own.reduce((sum, x) => sum + entrySize(x), 0);
    return { all, shared, own, size };
  }

  /** Writes the shared area. */
  write(out: Buffer, start: number): void {
    let at = start;
    for (const xattr of this.#sorted) at = writeEntry(out, at, xattr);
  }
}

/** Writes an inode's attributes; `base` is where the shared area begins in its first block. */
export function writePlaced(out: Buffer, start: number, placed: PlacedXattrs, base: number): void {
  if (placed.size === 0) return;
  let present = 0;
  for (const { suffix, index } of placed.all) present |= 1 << (xxhash32(suffix, filterSeed + index) & 31);
  out.writeUInt32LE(~present >>> 0, start);
  out.writeUInt8(placed.shared.length, start + 4);
  let at = start + 12;
  for (const offset of placed.shared) at = out.writeUInt32LE((base + offset) / 4, at);
  for (const xattr of placed.own) at = writeEntry(out, at, xattr);
}
