// Words of a command line that is still being typed, and what may stand in their place.
import type { GOption } from '../../cli/goption.ts';

/**
 * bash splits words at `=`: `--repo=r` arrives as `--repo`, `=`, `r`. Puts them together again; `cut` is how much of the last
 * word bash already has and must not get back.
 */
export function joinWords(words: readonly string[]): { joined: string[]; cut: number } {
  const joined: string[] = [];
  let cut = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const last = joined.at(-1);
    if (word === '=' && last?.startsWith('--') && !last.includes('=')) {
      const next = words[i + 1];
      joined[joined.length - 1] = `${last}=${next ?? ''}`;
      cut = i + 1 >= words.length - 1 ? last.length + 1 : 0;
      i++;
    } else {
      joined.push(word);
      cut = 0;
    }
  }
  return { joined, cut };
}

/** The candidates that `current` may become, sorted. */
export function starting(candidates: readonly string[], current: string): string[] {
  return candidates.filter((word) => word.startsWith(current)).sort();
}

/** The options of a help table as words; one that takes a value ends in `=`. */
export function optionWords(options: readonly GOption[]): string[] {
  return options.filter((o) => o.hidden !== true).map((o) => `--${o.long}${o.arg === undefined ? '' : '='}`);
}

/** The value of `--LONG`, in its own word or behind `=`; the last one counts. */
export function optionValue(words: readonly string[], long: string): string | undefined {
  const at = words.findLastIndex((word) => word === `--${long}` || word.startsWith(`--${long}=`));
  if (at < 0) return undefined;
  return words[at] === `--${long}` ? words[at + 1] : words[at]!.slice(long.length + 3);
}

/**
 * The option whose value is being typed: behind its `=` in `current`, or as the next word. `prefix` is what of `current`
 * stands before the value.
 */
export function openOption(
  options: readonly GOption[],
  words: readonly string[],
  current: string,
): { long: string; prefix: string } | undefined {
  const value = /^--([a-z0-9-]+)=/.exec(current);
  if (value !== null) return { long: value[1]!, prefix: value[0] };
  const last = words.at(-1) ?? '';
  const open = options.find((o) => o.arg !== undefined && (last === `--${o.long}` || last === `-${o.short}`));
  return open === undefined || current.startsWith('-') ? undefined : { long: open.long, prefix: '' };
}
