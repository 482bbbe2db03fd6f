import { CoppiceError } from '@coppice/base';
import type { RpmLevel } from '@coppice/rpm';

/** The release of rpm that `--level` names. Throws `Usage` for others. */
export function rpmLevel(flags: Readonly<Record<string, unknown>>): RpmLevel {
  const level = String(flags['level']);
  if (level !== '4.18' && level !== '6.1') throw new CoppiceError('Usage', `--level: ${level} is neither 4.18 nor 6.1`);
  return level;
}
