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

/** Strings by number (1 is the empty string; 0 is no string) and relations by number. */
export class Interner {
  readonly strings: string[] = ['', ''];
  private readonly ids = new Map<string, number>([['', 1]]);
  private readonly relNames = new IdArray();
  private readonly relFlags = new IdArray();
  private readonly relEvrs = new IdArray();
  private table = new Int32Array(1024).fill(-1);

  /** The id of `text`, made when new. */
  string(text: string): number {
    let id = this.ids.get(text);
    if (id === undefined) {
      id = this.strings.length;
      this.strings.push(text);
      this.ids.set(text, id);
    }
    return id;
  }

  /** The id of `text` if it has one, else 0. */
  lookup(text: string): number {
    return this.ids.get(text) ?? 0;
  }

  text(id: number): string {
    return this.strings[id] ?? '';
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

  private rehash(): void {
    const size = this.table.length * 4;
    this.table = new Int32Array(size).fill(-1);
    for (let i = 0; i < this.relNames.length; i++) {
      let h = this.hash(this.relNames.data[i]!, this.relFlags.data[i]!, this.relEvrs.data[i]!) & (size - 1);
      while (this.table[h]! >= 0) h = (h + 1) & (size - 1);
      this.table[h] = i;
    }
  }
}
