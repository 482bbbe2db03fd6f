// The arguments of a sub-verb as people mostly give them, read from its table: setting up the full parser takes longer than many
// verbs. Whatever is not plain is left to that one, with its messages and its help.
import type { SubVerb } from './sub-verbs.ts';

export interface QuickArguments {
  readonly operands: readonly (string | readonly string[] | undefined)[];
  readonly flags: Readonly<Record<string, unknown>>;
}

interface Option {
  readonly key: string;
  readonly takesValue: boolean;
  readonly isList: boolean;
  readonly isNegative: boolean;
}

/** `--some-option` as the key that it has among the flags. */
function keyOf(long: string): string {
  return long.replace(/^--(no-)?/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The names in `-o, --output <dir>`. */
function namesOf(spelling: string): string[] {
  return spelling.split(/[ ,]+/).filter((word) => word.startsWith('-'));
}

/** Whether a flag has a row. Others can only be turned off, so they are on. */
function isNamed(options: NonNullable<SubVerb['options']>, name: string): boolean {
  return options.some(([spelling]) => spelling.includes(name) && namesOf(spelling).includes(name));
}

/** Of the rows of a long table only those are taken apart that are asked for or that say something when they are not. */
function optionsOf(
  { options = [] }: SubVerb,
  args: readonly string[],
): { byFlag: Map<string, Option>; flags: Record<string, unknown> } {
  const byFlag = new Map<string, Option>();
  const flags: Record<string, unknown> = {};
  const asked = args.filter((word) => word.startsWith('-')).map((word) => word.split('=', 1)[0]!);
  for (const [spelling, , value] of options) {
    const mayBeNegative = spelling.includes('--no-');
    if (value === undefined && !mayBeNegative && !asked.some((word) => spelling.includes(word))) continue;
    const names = namesOf(spelling);
    const isNegative = mayBeNegative && names.at(-1)!.startsWith('--no-');
    const key = keyOf(names.at(-1)!);
    const option = { key, takesValue: spelling.includes('<'), isList: Array.isArray(value), isNegative };
    for (const name of names) byFlag.set(name, option);
    if (value !== undefined) flags[key] = value;
    if (isNegative && !isNamed(options, names.at(-1)!.replace('--no-', '--'))) flags[key] ??= true;
  }
  return { byFlag, flags };
}

/** Words in the places of `create <dir>` or `query <repository> [patterns...]`; undefined when they do not fit. */
function operandsOf(usage: string, words: readonly string[]): QuickArguments['operands'] | undefined {
  const places = usage.split(' ').slice(1);
  const out: (string | readonly string[] | undefined)[] = [];
  let next = 0;
  for (const place of places) {
    if (place.includes('...')) {
      out.push(words.slice(next));
      if (place.startsWith('<') && next >= words.length) return undefined;
      next = Math.max(next, words.length);
    } else {
      if (place.startsWith('<') && next >= words.length) return undefined;
      out.push(words[next++]);
    }
  }
  return next < words.length ? undefined : out;
}

/** What `args` say to `verb`; undefined when they have to be looked at more closely. */
export function quickArguments(verb: SubVerb, args: readonly string[]): QuickArguments | undefined {
  const { byFlag, flags } = optionsOf(verb, args);
  const words: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (!word.startsWith('-')) {
      words.push(word);
      continue;
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const option = byFlag.get(equals < 0 ? word : word.slice(0, equals));
    if (option === undefined || (equals >= 0 && !option.takesValue)) return undefined;
    if (!option.takesValue) {
      flags[option.key] = !option.isNegative;
      continue;
    }
    const value = equals < 0 ? args[++i] : word.slice(equals + 1);
    if (value === undefined || (equals < 0 && value.startsWith('-'))) return undefined;
    flags[option.key] = option.isList ? [...(flags[option.key] as readonly string[]), value] : value;
  }
  const operands = operandsOf(verb.usage, words);
  return operands === undefined ? undefined : { operands, flags };
}
