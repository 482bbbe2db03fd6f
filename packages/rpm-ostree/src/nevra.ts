import { CoppiceError } from '@coppice/base';
import { rpmvercmp } from '@coppice/rpm';

/** Name, epoch (0 when the package has none), version, release and architecture of a package. */
export interface Nevra {
  readonly name: string;
  readonly epoch: number;
  readonly version: string;
  readonly release: string;
  readonly arch: string;
}

/** `[EPOCH:]VERSION-RELEASE`, without an epoch of 0. */
export function formatEvr(p: Pick<Nevra, 'epoch' | 'version' | 'release'>): string {
  return `${p.epoch === 0 ? '' : `${p.epoch}:`}${p.version}-${p.release}`;
}

/** `NAME-[EPOCH:]VERSION-RELEASE.ARCH`, as the package lists print it. */
export function formatNevra(p: Nevra): string {
  return `${p.name}-${formatEvr(p)}.${p.arch}`;
}

/** Reads `NAME-[EPOCH:]VERSION-RELEASE.ARCH`; throws `Invalid`. */
export function parseNevra(text: string): Nevra {
  const match = /^(.+)-(?:(\d+):)?([^-:]+)-([^-]+)\.([^-.]+)$/.exec(text);
  if (match === null) throw new CoppiceError('Invalid', `Invalid NEVRA: ${text}`);
  return {
    name: match[1]!,
    epoch: Number(match[2] ?? 0),
    version: match[3]!,
    release: match[4]!,
    arch: match[5]!,
  };
}

/** rpm's order of versions: epoch, version, release. */
export function compareEvr(
  a: Pick<Nevra, 'epoch' | 'version' | 'release'>,
  b: Pick<Nevra, 'epoch' | 'version' | 'release'>,
): number {
  if (a.epoch !== b.epoch) return a.epoch < b.epoch ? -1 : 1;
  return rpmvercmp(a.version, b.version) || rpmvercmp(a.release, b.release);
}
