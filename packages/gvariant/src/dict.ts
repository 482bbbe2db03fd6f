import { decode } from './decode.ts';
import { encode } from './encode.ts';
import { GHashTable } from './hash-table.ts';
import { type Value, Variant } from './variant.ts';

/** An `a{sv}` in order. Of a repeated key in the input the first counts, as g_variant_lookup finds it. */
export class VariantDict extends Map<string, Variant> {
  constructor(entries?: Iterable<readonly [string, Variant]>) {
    super();
    for (const [key, value] of entries ?? []) if (!this.has(key)) this.set(key, value);
  }

  /** Reads serialized `a{sv}` bytes (leniently). */
  static decode(bytes: Uint8Array): VariantDict {
    return VariantDict.from(decode('a{sv}', bytes));
  }

  /** From a decoded `a{sv}` value (a list of pairs) as it stands inside a larger one. */
  static from(value: Value): VariantDict {
    return new VariantDict(value as unknown as [string, Variant][]);
  }

  encode(): Uint8Array {
    return encode('a{sv}', this);
  }

  /** The value of `key` when it has exactly this type, else undefined (g_variant_dict_lookup). */
  lookup(key: string, type: string): Value | undefined {
    const found = this.get(key);
    return found?.type === type ? found.value : undefined;
  }
  lookupString(key: string): string | undefined {
    return this.lookup(key, 's') as string | undefined;
  }
  lookupBoolean(key: string): boolean | undefined {
    return this.lookup(key, 'b') as boolean | undefined;
  }
  lookupStrings(key: string): readonly string[] | undefined {
    return this.lookup(key, 'as') as readonly string[] | undefined;
  }

  /** The entries in the order in which a GVariantDict that got them one after the other would end them. */
  hashOrdered(): VariantDict {
    const table = new GHashTable<Variant>();
    for (const [key, value] of this) table.set(key, value);
    return new VariantDict(table);
  }

  toVariant(): Variant {
    return new Variant('a{sv}', this);
  }
}
