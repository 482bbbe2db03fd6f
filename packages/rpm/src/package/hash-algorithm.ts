// Hashes by their OpenPGP numbers, which rpm uses for digests too.

export interface HashAlgorithm {
  /** As node:crypto calls it. */
  readonly name: string;
  /** As rpm prints it. */
  readonly title: string;
  /** Digits of a digest in hex. */
  readonly length: number;
}

const algorithms: Readonly<Record<number, HashAlgorithm>> = {
  1: { name: 'md5', title: 'MD5', length: 32 },
  2: { name: 'sha1', title: 'SHA1', length: 40 },
  8: { name: 'sha256', title: 'SHA256', length: 64 },
  9: { name: 'sha384', title: 'SHA384', length: 96 },
  10: { name: 'sha512', title: 'SHA512', length: 128 },
  11: { name: 'sha224', title: 'SHA224', length: 56 },
  12: { name: 'sha3-256', title: 'SHA3-256', length: 64 },
  14: { name: 'sha3-512', title: 'SHA3-512', length: 128 },
};

const byName = new Map(Object.values(algorithms).map((algorithm) => [algorithm.name, algorithm]));

/** The hash of a number; undefined when nobody knows it. */
export function hashAlgorithm(number: number): HashAlgorithm | undefined {
  return algorithms[number];
}

/** Digits of a digest in hex, by node:crypto's name; 0 when it is not one of these. */
export function digestLength(name: string): number {
  return byName.get(name)?.length ?? 0;
}

/** Node's name of an OpenPGP/rpm hash number. */
export function digestName(algorithm: number): string | undefined {
  return algorithms[algorithm]?.name;
}
