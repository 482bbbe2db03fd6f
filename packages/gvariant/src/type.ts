import { CoppiceError } from '@coppice/base';

/** GLib's limit on nesting, of types and of values inside variants (G_VARIANT_MAX_RECURSION_DEPTH). */
export const maxDepth = 128;

/** A definite GVariant type, parsed once and kept. `fixed` is the serialized size of a fixed-size type, else undefined. */
export interface GType {
  readonly string: string;
  readonly kind: 'basic' | 'variant' | 'array' | 'maybe' | 'tuple' | 'entry';
  readonly alignment: 1 | 2 | 4 | 8;
  readonly fixed: number | undefined;
  /** Element of an array or maybe; members of a tuple; key and value of an entry. */
  readonly children: readonly GType[];
  readonly depth: number;
}

const basics: Readonly<Record<string, readonly [1 | 2 | 4 | 8, number | undefined]>> = {
  b: [1, 1],
  y: [1, 1],
  n: [2, 2],
  q: [2, 2],
  i: [4, 4],
  u: [4, 4],
  h: [4, 4],
  x: [8, 8],
  t: [8, 8],
  d: [8, 8],
  s: [1, undefined],
  o: [1, undefined],
  g: [1, undefined],
};

const cache = new Map<string, GType>();
const cacheLimit = 4096;

/** The type of a type string; throws `Invalid` unless it is one complete definite type of depth at most 128. */
export function parseType(text: string): GType {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const type = scanType(text, 0);
  if (type === undefined || type.string.length !== text.length) {
    throw new CoppiceError('Invalid', `not a GVariant type: ${JSON.stringify(text.slice(0, 100))}`);
  }
  if (cache.size >= cacheLimit) cache.clear();
  cache.set(text, type);
  return type;
}

/** As `parseType`, undefined instead of throwing. */
export function tryParseType(text: string): GType | undefined {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const type = scanType(text, 0);
  return type !== undefined && type.string.length === text.length ? parseType(text) : undefined;
}

/** The type that starts at `at`, or undefined. */
export function scanType(text: string, at: number, limit: number = maxDepth): GType | undefined {
  if (limit === 0) return undefined;
  const c = text[at];
  if (c === undefined) return undefined;
  if (c === 'v') return { string: 'v', kind: 'variant', alignment: 8, fixed: undefined, children: [], depth: 1 };
  if (Object.hasOwn(basics, c)) {
    const [alignment, fixed] = basics[c]!;
    return { string: c, kind: 'basic', alignment, fixed, children: [], depth: 1 };
  }
  if (c === 'a' || c === 'm') {
    const element = scanType(text, at + 1, limit - 1);
    if (element === undefined) return undefined;
    return {
      string: c + element.string,
      kind: c === 'a' ? 'array' : 'maybe',
      alignment: element.alignment,
      fixed: undefined,
      children: [element],
      depth: element.depth + 1,
    };
  }
  if (c !== '(' && c !== '{') return undefined;
  const close = c === '(' ? ')' : '}';
  const children: GType[] = [];
  let end = at + 1;
  while (text[end] !== close) {
    const child = scanType(text, end, limit - 1);
    if (child === undefined) return undefined;
    children.push(child);
    end += child.string.length;
  }
  if (c === '{' && (children.length !== 2 || children[0]!.kind !== 'basic')) return undefined;
  return container(text.slice(at, end + 1), c === '(' ? 'tuple' : 'entry', children);
}

function container(string: string, kind: 'tuple' | 'entry', children: readonly GType[]): GType {
  let alignment: 1 | 2 | 4 | 8 = 1;
  let size: number | undefined = 0;
  let depth = 0;
  for (const child of children) {
    if (child.alignment > alignment) alignment = child.alignment;
    if (child.depth > depth) depth = child.depth;
    size = size === undefined || child.fixed === undefined ? undefined : alignUp(size, child.alignment) + child.fixed;
  }
  if (size !== undefined) size = children.length === 0 ? 1 : alignUp(size, alignment);
  return { string, kind, alignment, fixed: size, children, depth: depth + 1 };
}

export function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/** Width of a framing offset in a container of `total` bytes (body and offsets). */
export function offsetWidth(total: number): 0 | 1 | 2 | 4 | 8 {
  if (total > 0xffffffff) return 8;
  if (total > 0xffff) return 4;
  if (total > 0xff) return 2;
  return total > 0 ? 1 : 0;
}

/** Size of a container with `body` bytes and `count` framing offsets: the smallest width that can hold it. */
export function framedSize(body: number, count: number): number {
  if (body + count <= 0xff) return body + count;
  if (body + 2 * count <= 0xffff) return body + 2 * count;
  if (body + 4 * count <= 0xffffffff) return body + 4 * count;
  return body + 8 * count;
}

/** D-Bus object path: `/`, or `/`-separated words of [A-Za-z0-9_]. */
export function isObjectPath(text: string): boolean {
  return /^\/([A-Za-z0-9_]+(\/[A-Za-z0-9_]+)*)?$/.test(text);
}

/** D-Bus signature: any number of complete types, without maybe. */
export function isSignature(text: string): boolean {
  if (text.includes('m')) return false;
  for (let at = 0; at < text.length; ) {
    const type = scanType(text, at);
    if (type === undefined) return false;
    at += type.string.length;
  }
  return true;
}
