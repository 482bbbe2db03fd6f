import { CoppiceError } from '@coppice/base';
import type { Context } from './context.ts';

/**
 * The release of an original that a drop-in stands in for: `COPPICE_COMPAT=ostree=2022.7,rpm-ostree=2020.1` names it, else
 * `COPPICE_ERA=2020` picks `era2020`, else the newest (last of `levels`). Throws `Usage` for a level that is not in `levels`.
 */
export function compatLevel<L extends string>(
  env: Context['env'],
  program: string,
  levels: readonly L[],
  era2020: L,
): L {
  for (const item of (env['COPPICE_COMPAT'] ?? '').split(/[\s,]+/)) {
    const at = item.indexOf('=');
    if (at < 0 || item.slice(0, at) !== program) continue;
    const level = levels.find((l) => l === item.slice(at + 1));
    if (level !== undefined) return level;
    throw new CoppiceError(
      'Usage',
      `COPPICE_COMPAT: no level ${item.slice(at + 1)} of ${program}; has ${levels.join(', ')}`,
    );
  }
  return env['COPPICE_ERA'] === '2020' ? era2020 : levels.at(-1)!;
}
