/** 64-bit integers: a number where it is exact, else a bigint. */
export type Int = number | bigint;

/** One value of a config: what JSON and YAML can hold, with absent (Go's nil) as `undefined`. */
export type Value = undefined | string | Int | boolean | Fields | readonly Value[];

/** A config object by field name. Zero structs are left out; a pointer field is left out when nil. */
export interface Fields {
  [name: string]: Value;
}

export function asInt(value: bigint): Int {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

/** The string in a field, '' when absent. */
export function text(value: Fields | undefined, name: string): string {
  const found = value?.[name];
  return typeof found === 'string' ? found : '';
}

/** The string in a pointer field, undefined when nil. */
export function maybeText(value: Fields | undefined, name: string): string | undefined {
  const found = value?.[name];
  return typeof found === 'string' ? found : undefined;
}

export function maybeInt(value: Fields | undefined, name: string): Int | undefined {
  const found = value?.[name];
  return typeof found === 'number' || typeof found === 'bigint' ? found : undefined;
}

/** True only when the field is present and true. */
export function isTrue(value: Fields | undefined, name: string): boolean {
  return value?.[name] === true;
}

export function child(value: Fields | undefined, name: string): Fields | undefined {
  const found = value?.[name];
  return isFields(found) ? found : undefined;
}

/** The objects of a list field, [] when absent. */
export function list(value: Fields | undefined, name: string): readonly Fields[] {
  const found = value?.[name];
  return Array.isArray(found) ? (found as readonly Fields[]) : [];
}

/** The strings of a list field, [] when absent. */
export function texts(value: Fields | undefined, name: string): readonly string[] {
  const found = value?.[name];
  return Array.isArray(found) ? (found as readonly string[]) : [];
}

export function isFields(value: Value): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Length in UTF-8 bytes, as Go's `len`. */
export function byteLength(value: string): number {
  let length = value.length;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit >= 0x800) length += unit >= 0xd800 && unit <= 0xdbff ? 1 : unit >= 0xdc00 && unit <= 0xdfff ? 1 : 2;
    else if (unit >= 0x80) length += 1;
  }
  return length;
}
