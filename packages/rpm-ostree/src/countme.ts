// Being counted: once a week each node asks for the metalinks of its repositories with `countme=N`, where N says only how long
// ago, roughly, it did so for the first time. The numbers are dnf's, but for
// the window that counting began in, which is the first here and comes before the first there; the file is rpm-ostree's own.
import { CoppiceError } from '@coppice/base';

/** Width of a window, in seconds. */
const week = 7 * 24 * 60 * 60;
/** Monday, 5 January 1970, midnight: where windows begin. */
const origin = 345_600;

/** Seconds since the epoch: of the first window that was counted, and of the last. */
export interface CountmeCookie {
  readonly epoch: number;
  readonly window: number;
}

const windowOf = (seconds: number): number => Math.trunc((seconds - origin) / week);

/** Throws `Invalid` for what is no cookie. */
export function parseCountmeCookie(text: string): CountmeCookie {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CoppiceError('Invalid', (error as Error).message, { cause: error });
  }
  const { epoch, window } = (value ?? {}) as Record<string, unknown>;
  for (const [name, seconds] of Object.entries({ epoch, window }))
    if (typeof seconds !== 'number' || !Number.isSafeInteger(seconds) || seconds <= 0)
      throw new CoppiceError('Invalid', `Invalid value for ${name}: '${String(seconds)}'`);
  return { epoch: epoch as number, window: window as number };
}

export const formatCountmeCookie = ({ epoch, window }: CountmeCookie): string => JSON.stringify({ epoch, window });

/** The cookie as it counts at `now`; without one, counting starts now. */
export function countmeAt(cookie: CountmeCookie | undefined, now: number): CountmeCookie {
  const { epoch, window } = cookie ?? { epoch: now, window: origin };
  return { epoch: Math.min(epoch, now), window };
}

/** This window was counted already. */
export function isCounted({ window }: CountmeCookie, now: number): boolean {
  return windowOf(now) <= windowOf(window);
}

/** 1 in the first week, 2 in the first month, 3 in the first half year, then 4. */
export function countmeBucket({ epoch }: CountmeCookie, now: number): 1 | 2 | 3 | 4 {
  const weeks = windowOf(now) - windowOf(epoch) + 1;
  return weeks < 2 ? 1 : weeks < 5 ? 2 : weeks < 25 ? 3 : 4;
}

/** The user agent that says which system counts itself, from the fields of its os-release. */
export function countmeUserAgent(release: ReadonlyMap<string, string>, arch: string): string {
  const name = release.get('NAME') ?? 'Linux';
  const version = release.get('VERSION_ID') ?? '';
  return `rpm-ostree (${name} ${version}; ${release.get('VARIANT_ID') ?? 'unknown'}; Linux.${arch})`;
}
