import { CoppiceError } from '@coppice/base';

/** libdnf's booleans. Throws `Invalid`. */
export function isTrue(value: string, where: string): boolean {
  const text = value.toLowerCase();
  if (['1', 'yes', 'true', 'on', 'enabled'].includes(text)) return true;
  if (['0', 'no', 'false', 'off', 'disabled'].includes(text)) return false;
  throw new CoppiceError('Invalid', `${where}: not a boolean: ${value}`);
}

const units: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86400 };

/** Seconds of `90`, `6h`, `2d`; Infinity of `never` and `-1`. Throws `Invalid`. */
export function parseExpiry(value: string, where: string): number {
  if (value === 'never' || value === '-1') return Number.POSITIVE_INFINITY;
  const match = /^(\d{1,9}(?:\.\d{1,6})?)\s*([smhd]?)$/i.exec(value);
  if (match === null) throw new CoppiceError('Invalid', `${where}: not a time: ${value}`);
  return Number(match[1]) * units[match[2]!.toLowerCase()]!;
}
