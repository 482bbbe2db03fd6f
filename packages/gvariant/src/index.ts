// @coppice/gvariant: GLib's serialization format and its text form. Codec only, no I/O, browser-safe.

// Byte order of whole values and of single numbers.
export { byteswap, swap16, swap32, swap64 } from './byteswap.ts';
// Bytes to values and back.
export type { DecodeOptions } from './decode.ts';
export { decode } from './decode.ts';
// a{sv}.
export { VariantDict } from './dict.ts';
export { encode } from './encode.ts';
// The order in which GLib iterates a string-keyed hash table.
export { GHashTable, gStrHash, hashTableOrder } from './hash-table.ts';
export { isNormalForm } from './normal.ts';
// Text.
export { parseVariant } from './parse.ts';
export { printString } from './print.ts';
export type { GType } from './type.ts';
// Types.
export { framedSize, isObjectPath, isSignature, maxDepth, offsetWidth, parseType } from './type.ts';
export type { Value } from './variant.ts';
export { Variant } from './variant.ts';
