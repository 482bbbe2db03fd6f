/** A version as the original's semver library reads it: three dot parts as 64-bit integers, then `-prerelease` and `+metadata`. */
export interface Semver {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  readonly preRelease: string;
  readonly metadata: string;
}

const limit = 1n << 63n;

export function parseSemver(text: string): Semver | undefined {
  const plus = text.indexOf('+');
  const metadata = plus < 0 ? '' : text.slice(plus + 1);
  let rest = plus < 0 ? text : text.slice(0, plus);
  const dash = rest.indexOf('-');
  const preRelease = dash < 0 ? '' : rest.slice(dash + 1);
  if (dash >= 0) rest = rest.slice(0, dash);
  const parts = rest.split('.');
  if (parts.length !== 3) return undefined;
  if (!isIdentifiers(preRelease) || !isIdentifiers(metadata)) return undefined;
  const numbers: bigint[] = [];
  for (const part of parts) {
    if (!/^[+-]?[0-9]+$/.test(part)) return undefined;
    const value = BigInt(part.replace(/^\+/, ''));
    if (value >= limit || value < -limit) return undefined;
    numbers.push(value);
  }
  return { major: numbers[0]!, minor: numbers[1]!, patch: numbers[2]!, preRelease, metadata };
}

function isIdentifiers(text: string): boolean {
  return text === '' || /^[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*$/.test(text);
}

export function semverText(version: Semver): string {
  let text = `${version.major}.${version.minor}.${version.patch}`;
  if (version.preRelease !== '') text += `-${version.preRelease}`;
  if (version.metadata !== '') text += `+${version.metadata}`;
  return text;
}
