import { CoppiceError } from '@coppice/base';
import { stringOf } from './decode.ts';
import { variantChild } from './frame.ts';
import { alignUp, framedSize, type GType, maxDepth, offsetWidth, parseType } from './type.ts';

/** True when `bytes` are the one normal serialization of some value of `type` (g_variant_is_normal_form). */
export function isNormalForm(type: string, bytes: Uint8Array): boolean {
  return normal(parseType(type), bytes, 0);
}

/** Throws `Corrupt` (`Not normal form`) when they are not. */
export function checkNormal(type: GType, bytes: Uint8Array): void {
  if (!normal(type, bytes, 0)) throw new CoppiceError('Corrupt', 'Not normal form');
}

function allZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}

function readOffset(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}

function normal(type: GType, bytes: Uint8Array, depth: number): boolean {
  if (depth >= maxDepth || (type.fixed !== undefined && bytes.length !== type.fixed)) return false;
  switch (type.kind) {
    case 'basic':
      if (type.string === 'b') return bytes[0]! <= 1;
      return type.fixed !== undefined || stringOf(type.string, bytes) !== undefined;
    case 'variant': {
      const child = variantChild(bytes);
      return child !== undefined && child.type.depth < maxDepth - depth && normal(child.type, child.bytes, depth + 1);
    }
    case 'maybe': {
      const inner = type.children[0]!;
      if (bytes.length === 0) return true;
      if (inner.fixed !== undefined) return normal(inner, bytes, depth + 1);
      return bytes.at(-1) === 0 && normal(inner, bytes.subarray(0, -1), depth + 1);
    }
    case 'array':
      return normalArray(type.children[0]!, bytes, depth);
    default:
      return normalTuple(type, bytes, depth);
  }
}

function normalArray(element: GType, bytes: Uint8Array, depth: number): boolean {
  const size = bytes.length;
  if (element.fixed !== undefined) {
    if (size % element.fixed !== 0) return false;
    if (element.string === 'y' || (element.kind === 'basic' && element.string !== 'b')) return true;
    for (let at = 0; at < size; at += element.fixed) {
      if (!normal(element, bytes.subarray(at, at + element.fixed), depth + 1)) return false;
    }
    return true;
  }
  if (size === 0) return true;
  const width = offsetWidth(size);
  const body = readOffset(bytes, size - width, width);
  if (body > size || (size - body) % width !== 0) return false;
  const count = (size - body) / width;
  if (count === 0 || framedSize(body, count) !== size) return false;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const end = readOffset(bytes, body + i * width, width);
    if (end < at || end > body) return false;
    const start = alignUp(at, element.alignment);
    if (start > end || !allZero(bytes, at, start) || !normal(element, bytes.subarray(start, end), depth + 1))
      return false;
    at = end;
  }
  return at === body;
}

function normalTuple(type: GType, bytes: Uint8Array, depth: number): boolean {
  const size = bytes.length;
  const width = type.fixed === undefined ? offsetWidth(size) : 0;
  const last = type.children.length - 1;
  const count = type.children.reduce((n, c, i) => n + (c.fixed === undefined && i < last ? 1 : 0), 0);
  const body = size - width * count;
  if (body < 0) return false;
  let at = 0;
  let table = size;
  for (let i = 0; i <= last; i++) {
    const child = type.children[i]!;
    const start = alignUp(at, child.alignment);
    let end: number;
    if (child.fixed !== undefined) end = start + child.fixed;
    else if (i === last) end = body;
    else {
      table -= width;
      end = readOffset(bytes, table, width);
    }
    if (start > end || end > body || !allZero(bytes, at, start)) return false;
    if (!normal(child, bytes.subarray(start, end), depth + 1)) return false;
    at = end;
  }
  if (type.fixed !== undefined) return allZero(bytes, at, size);
  return at === body && framedSize(body, count) === size;
}
