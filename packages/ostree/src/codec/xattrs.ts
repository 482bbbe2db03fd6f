import { CoppiceError } from '@coppice/base';
import { arrayElements, asBuffer, notNormal, offsetWidth, tupleOffsets, writeOffset } from './framing.ts';

/** An extended attribute: name without NUL, raw value. */
export interface Xattr {
  readonly name: string;
  readonly value: Uint8Array;
}

const none: readonly Xattr[] = [];
const empty = Buffer.alloc(0);

/** Sorted by name bytes, as every writer stores them. Does not change its argument. */
export function sortXattrs(xattrs: readonly Xattr[]): readonly Xattr[] {
  if (xattrs.length < 2) return xattrs;
  return [...xattrs].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

/** GVariant `a(ayay)` in the given order; names are stored with their NUL. */
export function encodeXattrs(xattrs: readonly Xattr[]): Buffer {
  if (xattrs.length === 0) return empty;
  const elements: Buffer[] = [];
  const ends: number[] = [];
  let at = 0;
  for (const { name, value } of xattrs) {
    const nameBytes = Buffer.from(`${name}\0`, 'utf8');
    const body = nameBytes.length + value.length;
    const width = offsetWidth(body, 1);
    const element = Buffer.allocUnsafe(body + width);
    element.set(nameBytes, 0);
    element.set(value, nameBytes.length);
    writeOffset(element, body, width, nameBytes.length);
    elements.push(element);
    at += element.length;
    ends.push(at);
  }
  const width = offsetWidth(at, ends.length);
  const table = Buffer.allocUnsafe(width * ends.length);
  for (let i = 0; i < ends.length; i++) writeOffset(table, i * width, width, ends[i]!);
  return Buffer.concat([...elements, table]);
}

/** Reads `bytes[start, end)` as normal-form `a(ayay)`; throws `Corrupt`. Values are copies. */
export function decodeXattrs(source: Uint8Array, start = 0, end = source.length, what = 'xattrs'): readonly Xattr[] {
  if (start === end) return none;
  const bytes = asBuffer(source);
  const out: Xattr[] = [];
  let from = start;
  for (const to of arrayElements(bytes, start, end, what)) {
    const [nameEnd] = tupleOffsets(bytes, from, to, 1, what) as [number];
    const width = to - from <= 0xff ? 1 : to - from <= 0xffff ? 2 : 4;
    if (nameEnd <= from || bytes[nameEnd - 1] !== 0) {
      throw new CoppiceError('Corrupt', `Invalid xattr name (empty or missing NUL) index=${out.length}`);
    }
    const name = bytes.toString('utf8', from, nameEnd - 1);
    if (name === '') {
      throw new CoppiceError('Corrupt', `Invalid xattr name (empty or missing NUL) index=${out.length}`);
    }
    if (name.includes('\0')) throw notNormal(what);
    out.push({ name, value: Buffer.from(bytes.subarray(nameEnd, to - width)) });
    from = to;
  }
  return out;
}

/** Directory metadata demands unique, sorted names; throws `Corrupt` with libostree's words. */
export function checkXattrOrder(xattrs: readonly Xattr[]): void {
  for (let i = 1; i < xattrs.length; i++) {
    const before = xattrs[i - 1]!.name;
    const name = xattrs[i]!.name;
    const order = Buffer.compare(Buffer.from(before), Buffer.from(name));
    if (order === 0) throw new CoppiceError('Corrupt', `Duplicate xattr name, index=${i}`);
    if (order > 0) {
      throw new CoppiceError('Corrupt', `Incorrectly sorted xattr name (prev=${before}, cur=${name}), index=${i}`);
    }
  }
}
