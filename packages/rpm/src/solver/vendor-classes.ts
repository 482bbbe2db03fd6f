import type { Interner } from './strings.ts';

/** More classes than a mask has bits are left out. */
const classLimit = 31;

/** Groups of vendors whose packages may replace one another, by how their names begin (`!` takes one out of a group). */
export class VendorClasses {
  readonly #ids: Interner;
  readonly #masks = new Map<number, number>();
  #classes: string[][] = [];

  constructor(ids: Interner) {
    this.#ids = ids;
  }

  set(classes: readonly (readonly string[])[]): void {
    this.#classes = classes.map((prefixes) => prefixes.map((prefix) => prefix.toLowerCase()));
    this.#masks.clear();
  }

  /** A bit for each class that the vendor with this string id belongs to. */
  mask(vendor: number): number {
    if (vendor === 0 || this.#classes.length === 0) return 0;
    let mask = this.#masks.get(vendor);
    if (mask !== undefined) return mask;
    mask = 0;
    const text = this.#ids.text(vendor).toLowerCase();
    for (const [i, prefixes] of this.#classes.slice(0, classLimit).entries()) {
      const first = prefixes.find((prefix) => text.startsWith(prefix.startsWith('!') ? prefix.slice(1) : prefix));
      if (first !== undefined && !first.startsWith('!')) mask |= 1 << i;
    }
    this.#masks.set(vendor, mask);
    return mask;
  }
}
