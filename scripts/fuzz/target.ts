import fc from 'fast-check';

/** One kind of input: how damaged ones are made, and what reads them. */
export interface FuzzTarget<T = unknown> {
  readonly name: string;
  /** Cases in a run of 100,000. */
  readonly share: number;
  readonly input: fc.Arbitrary<T>;
  /** Inputs that are right: all must be taken, or the kind tests nothing. */
  readonly seeds?: readonly T[];
  /** Must return or throw a typed error. */
  run(value: T): unknown;
  /** After all cases: what was touched that must not be. */
  check?(): string | undefined;
}

/** Bytes that tend to mean something in binary formats. */
const telling = [0x00, 0x01, 0x7f, 0x80, 0xff];

type Change = (bytes: Buffer) => Buffer;

function change(): fc.Arbitrary<Change> {
  const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const place = (bytes: Buffer, where: number): number => Math.floor(where * bytes.length);
  return fc.oneof(
    fc.tuple(at, fc.oneof(fc.nat(255), fc.constantFrom(...telling))).map(
      ([where, value]): Change =>
        (bytes) => {
          if (bytes.length > 0) bytes[place(bytes, where)] = value;
          return bytes;
        },
    ),
    // The end, where framing offsets lie.
    fc.tuple(fc.nat(40), fc.nat(255)).map(
      ([back, value]): Change =>
        (bytes) => {
          if (bytes.length > back) bytes[bytes.length - 1 - back] = value;
          return bytes;
        },
    ),
    fc.tuple(at, fc.constantFrom(0x7fffffff, 0xffffffff, 0x80000000, 0x10000)).map(
      ([where, value]): Change =>
        (bytes) => {
          const to = place(bytes, where);
          if (to + 4 <= bytes.length) bytes.writeUInt32BE(value, to);
          return bytes;
        },
    ),
    at.map(
      (where): Change =>
        (bytes) =>
          bytes.subarray(0, place(bytes, where)),
    ),
    fc.tuple(at, at).map(
      ([from, to]): Change =>
        (bytes) => {
          const [a, b] = [place(bytes, from), place(bytes, to)].sort((x, y) => x - y) as [number, number];
          return Buffer.concat([bytes.subarray(0, a), bytes.subarray(b)]);
        },
    ),
    fc.tuple(at, fc.uint8Array({ minLength: 1, maxLength: 24 })).map(
      ([where, more]): Change =>
        (bytes) => {
          const to = place(bytes, where);
          return Buffer.concat([bytes.subarray(0, to), more, bytes.subarray(to)]);
        },
    ),
  );
}

/** One of the valid inputs with one to six changes; now and then bytes from nowhere. */
export function damaged(seeds: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  const changed = fc
    .tuple(fc.constantFrom(...seeds), fc.array(change(), { minLength: 1, maxLength: 6 }))
    .map(([seed, changes]) => changes.reduce<Buffer>((bytes, one) => one(bytes), Buffer.from(seed)));
  const free = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof<fc.WeightedArbitrary<Buffer>[]>({ weight: 19, arbitrary: changed }, { weight: 1, arbitrary: free });
}
