// Where the children of a serialized container lie, with the reading rules of GLib's gvariant-serialiser.c: framing
// offsets that are out of range, out of order or not of minimal width never fail; the children they would bound are
// absent (undefined here), which reads as the type's default.
import { alignUp, framedSize, type GType, offsetWidth, tryParseType } from './type.ts';

export type Child = Uint8Array | undefined;

function readOffset(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}

/** Number of elements of an array's bytes. */
export function arrayLength(element: GType, bytes: Uint8Array): number {
  if (element.fixed !== undefined) return bytes.length % element.fixed === 0 ? bytes.length / element.fixed : 0;
  return offsetTable(bytes)?.count ?? 0;
}

function offsetTable(bytes: Uint8Array): { start: number; count: number; width: number } | undefined {
  const size = bytes.length;
  if (size === 0) return undefined;
  const width = offsetWidth(size);
  const start = readOffset(bytes, size - width, width);
  if (start > size || (size - start) % width !== 0) return undefined;
  const count = (size - start) / width;
  if (count > 0 && framedSize(start, count) !== size) return undefined;
  return { start, count, width };
}

/** The elements of an array in turn. */
export function* arrayChildren(element: GType, bytes: Uint8Array): Generator<Child> {
  if (element.fixed !== undefined) {
    const count = arrayLength(element, bytes);
    for (let i = 0; i < count; i++) yield bytes.subarray(i * element.fixed, (i + 1) * element.fixed);
    return;
  }
  const table = offsetTable(bytes);
  if (table === undefined) return;
  let ordered = true;
  let previous = 0;
  for (let i = 0; i < table.count; i++) {
    const end = readOffset(bytes, table.start + i * table.width, table.width);
    if (end < previous) ordered = false;
    const start = alignUp(previous, element.alignment);
    yield ordered && start < end && end <= table.start ? bytes.subarray(start, end) : undefined;
    previous = end;
  }
}

/** The members of a tuple or dictionary entry. */
export function tupleChildren(type: GType, bytes: Uint8Array): Child[] {
  const size = bytes.length;
  const width = offsetWidth(size);
  const count = type.children.length;
  const starts: number[] = [];
  const ends: number[] = [];
  let offsets = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const child = type.children[i]!;
    const start = alignUp(at, child.alignment);
    let end = Number.POSITIVE_INFINITY;
    if (child.fixed !== undefined) {
      end = start + child.fixed;
      at = end;
    } else if (i === count - 1) {
      if (width * offsets <= size) end = size - width * offsets;
    } else {
      offsets++;
      const readable = width * offsets <= size;
      if (readable) end = readOffset(bytes, size - width * offsets, width);
      at = readable ? end : 0;
    }
    starts.push(start);
    ends.push(end);
  }
  const out: Child[] = [];
  const lastEnd = ends.at(-1) ?? 0;
  // Where the first member does not fit, GLib's check of the order wraps around and finds fault with nothing.
  const lenient = count > 0 && ends[0]! > size;
  let ordered = true;
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const start = starts[i]!;
    const end = ends[i]!;
    if (!lenient && (start > end || start < previous || end > size)) ordered = false;
    previous = end;
    // The first member is read even if it breaks the order, as long as it lies inside.
    const inside = start < end && end <= size && end <= lastEnd;
    out.push((ordered || i === 0) && inside ? bytes.subarray(start, end) : undefined);
  }
  return out;
}

/** The value inside a variant: its type and bytes, or undefined (reads as the empty tuple). */
export function variantChild(bytes: Uint8Array): { type: GType; bytes: Uint8Array } | undefined {
  if (bytes.length === 0) return undefined;
  const end = bytes.lastIndexOf(0);
  if (end < 0) return undefined;
  let text = '';
  for (let i = end + 1; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
  const type = tryParseType(text);
  if (type === undefined || (type.fixed !== undefined && type.fixed !== end)) return undefined;
  return { type, bytes: bytes.subarray(0, end) };
}
