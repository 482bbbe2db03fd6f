import { type GType, parseType } from './type.ts';
import { type Value, Variant } from './variant.ts';

const scratch = new DataView(new ArrayBuffer(8));

/** The value with every multi-byte number inside (variants included) in the other byte order (g_variant_byteswap). */
export function byteswap(variant: Variant): Variant {
  return new Variant(variant.type, swap(parseType(variant.type), variant.value));
}

export function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}
export function swap32(value: number): number {
  scratch.setUint32(0, value >>> 0);
  return scratch.getUint32(0, true);
}
export function swap64(value: bigint): bigint {
  scratch.setBigUint64(0, BigInt.asUintN(64, value));
  return scratch.getBigUint64(0, true);
}

function swap(type: GType, value: Value): Value {
  switch (type.kind) {
    case 'variant':
      return byteswap(value as Variant);
    case 'maybe':
      if (value === null) return null;
      return type.children[0]!.kind === 'maybe'
        ? [swap(type.children[0]!, (value as Value[])[0]!)]
        : swap(type.children[0]!, value);
    case 'array': {
      if (value instanceof Uint8Array) return value;
      const list = value instanceof Map ? [...value] : (value as readonly Value[]);
      return list.map((item) => swap(type.children[0]!, item as Value));
    }
    case 'tuple':
    case 'entry':
      return (value as readonly Value[]).map((item, i) => swap(type.children[i]!, item));
  }
  switch (type.string) {
    case 'n':
      return (swap16((value as number) & 0xffff) << 16) >> 16;
    case 'q':
      return swap16(value as number);
    case 'i':
    case 'h':
      return swap32(value as number) | 0;
    case 'u':
      return swap32(value as number);
    case 'x':
      return BigInt.asIntN(64, swap64(BigInt(value as bigint)));
    case 't':
      return swap64(BigInt(value as bigint));
    case 'd':
      scratch.setFloat64(0, value as number);
      return scratch.getFloat64(0, true);
    default:
      return value;
  }
}
