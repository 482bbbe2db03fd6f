// Interned strings and relations. An id below `relBase` is a string, above it a relation of two ids.
import { IdArray } from './id-array.ts';

export const relBase = 0x40000000;

/** Operators of relations. The three comparison bits may be combined. */
export const rel = {
  gt: 1,
  eq: 2,
  lt: 4,
  and: 16,
  or: 17,
  with: 18,
  namespace: 19,
  arch: 20,
  if: 22,
  compat: 23,
  kind: 24,
  multiarch: 25,
  else: 26,
  without: 28,
  unless: 29,
} as const;

export function isRel(id: number): boolean {
  return id >= relBase;
}

/** Strings that were interned elsewhere, as bytes: what `Interner.adopt` takes. String 0 is the empty one. */
export interface StringSource {
  readonly count: number;
  text(index: number): string;
  /** 0 for a string that is not there. */
  findText(text: string): number;
  /** `findText` for a string of another source of the same kind. */
  findOf(other: StringSource, index: number): number;
}

/** A run of ids: strings of the pool's own, or all those of an adopted source. */
interface Segment {
  readonly start: number;
  readonly source: StringSource | undefined;
  /** Own strings from `start`. */
  readonly own: string[];
  /** Ids of a source's strings. */
  readonly ids: Int32Array;
}

const noIds = new Int32Array(0);

/**
 * Strings by number (1 is the empty string; 0 is no string) and relations by number. Strings of a big table get their
 * numbers in one go (`adopt`) and become JavaScript strings only when somebody asks for their text.
 */
export class Interner {
  private readonly segments: Segment[] = [{ start: 0, source: undefined, own: ['', ''], ids: noIds }];
  private last: Segment = this.segments[0]!;
  private total = 2;
  private readonly ids = new Map<string, number>([['', 1]]);
  private readonly relNames = new IdArray();
  private readonly relFlags = new IdArray();
  private readonly relEvrs = new IdArray();
  private table = new Int32Array(1024).fill(-1);

  /** One more than the highest string id. */
  get count(): number {
    return this.total;
  }

  /** The id of `text`, made when new. */
  string(text: string): number {
    let id = this.lookup(text);
    if (id === 0) {
      id = this.total++;
      if (this.last.source !== undefined) {
        this.last = { start: id, source: undefined, own: [], ids: noIds };
        this.segments.push(this.last);
      }
      this.last.own.push(text);
      this.ids.set(text, id);
    }
    return id;
  }

  /** The id of `text` if it has one, else 0. */
  lookup(text: string): number {
    const id = this.ids.get(text);
    if (id !== undefined) return id;
    for (const { source, ids } of this.segments) {
      if (source === undefined) continue;
      const found = source.findText(text);
      if (found === 0) continue;
      this.ids.set(text, ids[found]!);
      return ids[found]!;
    }
    return 0;
  }

  text(id: number): string {
    for (let i = this.segments.length - 1; i >= 0; i--) {
      const { start, source, own } = this.segments[i]!;
      if (id >= start) return (source === undefined ? own[id - start] : source.text(id - start)) ?? '';
    }
    return '';
  }

  /** Gives every string of `source` an id, the one it has where it is known already; returns the ids by index. */
  adopt(source: StringSource): Int32Array {
    const { count } = source;
    const ids = new Int32Array(count);
    const start = this.total;
    for (let i = 0; i < count; i++) ids[i] = start + i;
    ids[0] = 1;
    for (const other of this.segments) {
      if (other.source === undefined)
        other.own.forEach((text, i) => {
          const found = text === '' ? 0 : source.findText(text);
          if (found > 0) ids[found] = other.start + i;
        });
      else
        for (let i = 1; i < count; i++) {
          const found = other.source.findOf(source, i);
          if (found > 0) ids[i] = other.ids[found]!;
        }
    }
    this.segments.push({ start, source, own: [], ids });
    this.last = this.segments.at(-1)!;
    this.total += count;
    return ids;
  }

  get relCount(): number {
    return this.relNames.length;
  }

  relation(name: number, flags: number, evr: number): number {
    const mask = this.table.length - 1;
    let h = this.hash(name, flags, evr) & mask;
    for (let at = this.table[h]!; at >= 0; at = this.table[h]!) {
      if (this.relNames.data[at] === name && this.relEvrs.data[at] === evr && this.relFlags.data[at] === flags)
        return relBase + at;
      h = (h + 1) & mask;
    }
    const index = this.relNames.length;
    this.table[h] = index;
    this.relNames.push(name);
    this.relFlags.push(flags);
    this.relEvrs.push(evr);
    if (index * 2 > this.table.length) this.rehash();
    return relBase + index;
  }

  relName(id: number): number {
    return this.relNames.data[id - relBase]!;
  }
  relFlag(id: number): number {
    return this.relFlags.data[id - relBase]!;
  }
  relEvr(id: number): number {
    return this.relEvrs.data[id - relBase]!;
  }

  private hash(name: number, flags: number, evr: number): number {
    const h = Math.imul(name, 0x9e3779b1) ^ Math.imul(evr, 0x85ebca6b) ^ Math.imul(flags, 0xc2b2ae35);
    return (h ^ (h >>> 15)) >>> 0;
  }

  /** Makes room for `count` more relations. */
  reserveRelations(count: number): void {
    let size = this.table.length;
    while (size < (this.relCount + count) * 2) size *= 2;
    for (const list of [this.relNames, this.relFlags, this.relEvrs]) list.reserve(this.relCount + count);
    if (size > this.table.length) this.rehash(size);
  }

  private rehash(size = this.table.length * 4): void {
    this.table = new Int32Array(size).fill(-1);
    for (let i = 0; i < this.relNames.length; i++) {
      let h = this.hash(this.relNames.data[i]!, this.relFlags.data[i]!, this.relEvrs.data[i]!) & (size - 1);
      while (this.table[h]! >= 0) h = (h + 1) & (size - 1);
      this.table[h] = i;
    }
  }
}
