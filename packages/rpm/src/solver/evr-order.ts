// Versions in order, by the rules of the kind of packages.
import { rpmvercmp } from '../evr.ts';
import type { Interner } from './strings.ts';

/** Kinds of packages whose rules the solver knows. */
export type PackageKind = 'rpm' | 'deb' | 'arch';

/** `sort`: a missing release is older; `version`: releases do not count; `match`: -2 or 2 where only one side has a release. */
export type EvrMode = 'sort' | 'version' | 'match';

interface Parts {
  readonly epoch: string | undefined;
  readonly version: string;
  readonly release: string | undefined;
}

function split(text: string): Parts {
  const colon = /^[0-9]+:/.exec(text);
  const rest = colon === null ? text : text.slice(colon[0].length);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: colon === null ? undefined : colon[0].slice(0, -1),
    version: dash < 0 ? rest : rest.slice(0, dash),
    release: dash < 0 ? undefined : rest.slice(dash + 1),
  };
}

const isDigit = (c: number): boolean => c >= 48 && c <= 57;

/** dpkg's order of characters: `~` before the end, letters before everything else. */
function weight(c: number): number {
  if (c === 126) return -1;
  const plain = c === 0 || isDigit(c) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
  return plain ? c : c + 256;
}

/** Orders two version strings as dpkg does. */
export function debVersionCompare(a: string, b: string): -1 | 0 | 1 {
  const at = (text: string, i: number): number => (i < text.length ? text.charCodeAt(i) : 0);
  let i = 0;
  let j = 0;
  for (;;) {
    if (isDigit(at(a, i)) && isDigit(at(b, j))) {
      while (at(a, i) === 48) i++;
      while (at(b, j) === 48) j++;
      let first = 0;
      while (isDigit(at(a, i)) && isDigit(at(b, j))) {
        first ||= at(a, i) - at(b, j);
        i++;
        j++;
      }
      if (isDigit(at(a, i))) return 1;
      if (isDigit(at(b, j))) return -1;
      if (first !== 0) return first < 0 ? -1 : 1;
    }
    const order = weight(at(a, i)) - weight(at(b, j));
    if (order !== 0) return order < 0 ? -1 : 1;
    if (at(a, i) === 0) return 0;
    i++;
    j++;
  }
}

export class EvrOrder {
  kind: PackageKind = 'rpm';
  private readonly ids: Interner;
  private readonly cache = new Map<number, Parts>();

  constructor(ids: Interner) {
    this.ids = ids;
  }

  private parts(id: number): Parts {
    let parts = this.cache.get(id);
    if (parts === undefined) {
      parts = split(this.ids.text(id));
      this.cache.set(id, parts);
    }
    return parts;
  }

  private words(a: string, b: string): -1 | 0 | 1 {
    return this.kind === 'deb' ? debVersionCompare(a, b) : rpmvercmp(a, b);
  }

  private releases(a: string, b: string, distEpoch: boolean): -1 | 0 | 1 {
    if (!distEpoch) return this.words(a, b);
    const x = a.split(/:(.*)/s);
    const y = b.split(/:(.*)/s);
    const order = this.words(x[0]!, y[0]!);
    return order !== 0 || x[1] === undefined || y[1] === undefined ? order : this.words(x[1], y[1]);
  }

  /** Orders two EVR ids: -1, 0, 1, with `match` also -2 and 2. */
  compare(a: number, b: number, mode: EvrMode, flags: { promoteepoch: boolean; havedistepoch: boolean }): number {
    const x = this.parts(a);
    const y = this.parts(b);
    if (x.epoch !== undefined && y.epoch !== undefined) {
      const order = this.words(x.epoch, y.epoch);
      if (order !== 0) return order;
    } else if (x.epoch !== undefined) {
      if (!flags.promoteepoch && /[1-9]/.test(x.epoch)) return 1;
    } else if (y.epoch !== undefined && /[1-9]/.test(y.epoch)) return -1;
    const order = this.words(x.version, y.version);
    if (order !== 0 || mode === 'version') return order;
    let { release: r } = x;
    let { release: q } = y;
    if (mode === 'match') {
      // As rpm: an empty release is none.
      r ||= undefined;
      q ||= undefined;
    } else if ((r === undefined) !== (q === undefined)) return r === undefined ? -1 : 1;
    if (r !== undefined && q !== undefined) return this.releases(r, q, flags.havedistepoch);
    if (mode === 'match' && (r === undefined) !== (q === undefined)) return r === undefined ? -2 : 2;
    return 0;
  }
}
