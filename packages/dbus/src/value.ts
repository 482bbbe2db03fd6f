/**
 * A D-Bus value as JavaScript: `b` boolean; `y n q i u h d` number; `x t` bigint (a number is accepted when writing); `s o g`
 * string; `v` DBusVariant; `ay` Uint8Array; `a{..}` Map (a list of pairs is accepted when writing); other arrays and
 * structures lists.
 */
export type DBusValue =
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | DBusVariant
  | readonly DBusValue[]
  | ReadonlyMap<DBusValue, DBusValue>;

/** A value with its type: what stands inside a `v`. */
export class DBusVariant {
  readonly signature: string;
  readonly value: DBusValue;

  constructor(signature: string, value: DBusValue) {
    this.signature = signature;
    this.value = value;
  }
}

/** Bytes of the elements of one array, and of a whole message (D-Bus specification, "Type System", "Message Format"). */
export const maxArrayBytes = 2 ** 26;
export const maxMessageBytes = 2 ** 27;
/** Levels of containers, variants counted, that a value may have. */
export const maxDepth = 64;
