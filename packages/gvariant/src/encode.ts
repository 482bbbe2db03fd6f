import { CoppiceError } from '@coppice/base';
import { framedSize, type GType, isObjectPath, isSignature, maxDepth, parseType } from './type.ts';
import { type Value, Variant } from './variant.ts';

/** Growing output; every container starts aligned, so padding can be counted from the start of the whole. */
class Output {
  bytes = new Uint8Array(256);
  view = new DataView(this.bytes.buffer);
  length = 0;

  grow(by: number): number {
    const at = this.length;
    const need = at + by;
    if (need > this.bytes.length) {
      const larger = new Uint8Array(Math.max(need, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, at));
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    this.length = need;
    return at;
  }

  align(alignment: number): void {
    const rest = this.length % alignment;
    if (rest !== 0) this.grow(alignment - rest);
  }

  offset(value: number, width: number): void {
    const at = this.grow(width);
    for (let i = 0, rest = value; i < width; i++, rest = Math.floor(rest / 256)) this.bytes[at + i] = rest % 256;
  }
}

const utf8 = new TextEncoder();

/** Serializes `value` as `type` in normal form, numbers little-endian. Throws `Invalid` when the value does not fit the type. */
export function encode(type: string, value: Value): Uint8Array {
  const out = new Output();
  write(out, parseType(type), value, 0);
  return out.bytes.subarray(0, out.length);
}

function wrong(type: GType, value: unknown): CoppiceError {
  const shown = typeof value === 'object' && value !== null ? value.constructor.name : String(value).slice(0, 40);
  return new CoppiceError('Invalid', `GVariant: ${shown} is not a value of type ${type.string}`);
}

const integers: Readonly<Record<string, readonly [number, number]>> = {
  y: [0, 0xff],
  n: [-0x8000, 0x7fff],
  q: [0, 0xffff],
  i: [-0x80000000, 0x7fffffff],
  h: [-0x80000000, 0x7fffffff],
  u: [0, 0xffffffff],
};

function writeBasic(out: Output, type: GType, value: Value): void {
  const c = type.string;
  if (c === 's' || c === 'o' || c === 'g') {
    if (typeof value !== 'string' || value.includes('\0') || !value.isWellFormed()) throw wrong(type, value);
    if ((c === 'o' && !isObjectPath(value)) || (c === 'g' && !isSignature(value))) throw wrong(type, value);
    const at = out.grow(value.length * 3 + 1);
    const { written } = utf8.encodeInto(value, out.bytes.subarray(at));
    out.bytes[at + written] = 0;
    out.bytes.fill(0, at + written, out.length);
    out.length = at + written + 1;
    return;
  }
  if (c === 'b') {
    if (typeof value !== 'boolean') throw wrong(type, value);
    out.bytes[out.grow(1)] = value ? 1 : 0;
    return;
  }
  const at = out.grow(type.fixed!);
  if (c === 'x' || c === 't') {
    if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isSafeInteger(value)))
      throw wrong(type, value);
    const big = BigInt(value);
    if (BigInt[c === 't' ? 'asUintN' : 'asIntN'](64, big) !== big) throw wrong(type, value);
    out.view.setBigUint64(at, BigInt.asUintN(64, big), true);
    return;
  }
  if (typeof value !== 'number') throw wrong(type, value);
  if (c === 'd') {
    out.view.setFloat64(at, value, true);
    return;
  }
  const [low, high] = integers[c]!;
  if (!Number.isInteger(value) || value < low || value > high) throw wrong(type, value);
  if (type.fixed === 1) out.bytes[at] = value;
  else if (type.fixed === 2) out.view.setUint16(at, value & 0xffff, true);
  else out.view.setUint32(at, value >>> 0, true);
}

function write(out: Output, type: GType, value: Value, depth: number): void {
  if (depth > maxDepth) throw new CoppiceError('Limit', `GVariant: nested deeper than ${maxDepth}`);
  switch (type.kind) {
    case 'basic':
      writeBasic(out, type, value);
      return;
    case 'variant': {
      if (!(value instanceof Variant)) throw wrong(type, value);
      const child = parseType(value.type);
      write(out, child, value.value, depth + 1);
      const at = out.grow(1 + child.string.length);
      for (let i = 0; i < child.string.length; i++) out.bytes[at + 1 + i] = child.string.charCodeAt(i);
      return;
    }
    case 'maybe': {
      const child = type.children[0]!;
      if (value === null) return;
      const inner = child.kind === 'maybe' ? unwrapJust(type, value) : value;
      write(out, child, inner, depth + 1);
      if (child.fixed === undefined) out.grow(1);
      return;
    }
    case 'array':
      writeArray(out, type, value, depth);
      return;
    default:
      writeTuple(out, type, value, depth);
  }
}

function unwrapJust(type: GType, value: Value): Value {
  if (!Array.isArray(value) || value.length !== 1) throw wrong(type, value);
  return value[0] as Value;
}

function writeArray(out: Output, type: GType, value: Value, depth: number): void {
  if (value instanceof Uint8Array) {
    if (type.string !== 'ay') throw wrong(type, value);
    const at = out.grow(value.length);
    out.bytes.set(value, at);
    return;
  }
  const list = value instanceof Map ? [...value] : value;
  if (!Array.isArray(list)) throw wrong(type, value);
  const child = type.children[0]!;
  const start = out.length;
  const ends: number[] = [];
  for (const item of list as readonly Value[]) {
    out.align(child.alignment);
    write(out, child, item, depth + 1);
    if (child.fixed === undefined) ends.push(out.length - start);
  }
  writeOffsets(out, start, ends);
}

function writeTuple(out: Output, type: GType, value: Value, depth: number): void {
  if (!Array.isArray(value) || value.length !== type.children.length) throw wrong(type, value);
  const start = out.length;
  const ends: number[] = [];
  const last = type.children.length - 1;
  for (let i = 0; i <= last; i++) {
    const child = type.children[i]!;
    out.align(child.alignment);
    write(out, child, value[i] as Value, depth + 1);
    if (child.fixed === undefined && i < last) ends.push(out.length - start);
  }
  if (type.fixed !== undefined) out.grow(type.fixed - (out.length - start));
  else writeOffsets(out, start, ends.reverse());
}

function writeOffsets(out: Output, start: number, ends: readonly number[]): void {
  if (ends.length === 0) return;
  const body = out.length - start;
  const width = (framedSize(body, ends.length) - body) / ends.length;
  for (const end of ends) out.offset(end, width);
}
