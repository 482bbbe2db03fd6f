// Command-line parsing and help text as GLib's GOption does it (glib/goption.c): options anywhere, `--opt=v`, `--opt v`,
// `-o v` (the value is always the next word, so `-ov` is `-o` with that word and then `-v`), grouped short flags, `--flag=v` is
// `--flag`, `--` ends options, no abbreviations, the last repeat wins, arrays accumulate.

import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { CoppiceError } from '@coppice/base';

export interface GOption {
  /** Long name without dashes. */
  readonly long: string;
  readonly short?: string;
  /** Placeholder of the value in help ('' shows none); its presence means the option takes a value. */
  readonly arg?: string;
  /** How a value is read: default `string`; `strings` accumulates. Without `arg` the option is a flag. */
  readonly type?: 'string' | 'strings' | 'int' | 'int64' | 'double';
  /** G_OPTION_ARG_FILENAME: the value is taken as it is, not from the character set of the locale. */
  readonly filename?: boolean;
  readonly help?: string;
  readonly hidden?: boolean;
  /** G_OPTION_FLAG_OPTIONAL_ARG: `--opt` alone is allowed; its value is then ''. */
  readonly optionalArg?: boolean;
  /** G_OPTION_FLAG_REVERSE: the flag's presence means false. */
  readonly reverse?: boolean;
  /** Looks at each value while the words are read; throws what is wrong with it. */
  readonly check?: (value: string) => void;
}

export class GOptions {
  readonly operands: string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(operands: string[], values: ReadonlyMap<string, readonly string[]>) {
    this.operands = operands;
    this.#values = values;
  }

  has(long: string): boolean {
    return this.#values.has(long);
  }
  flag(long: string): boolean {
    return this.#values.has(long);
  }
  string(long: string): string | undefined {
    return this.#values.get(long)?.at(-1);
  }
  strings(long: string): readonly string[] {
    return this.#values.get(long) ?? [];
  }
  /** Value of an `int`, `int64` or `double` option (checked while parsing). */
  number(long: string): number | undefined {
    const text = this.string(long);
    return text === undefined ? undefined : numberOf(text);
  }
}

/** As strtol reads it with base 0: a leading 0 means octal, 0x hexadecimal. */
function numberOf(text: string): number {
  const match = /^\s*([+-]?)(0[0-7]+|0[xX][0-9a-fA-F]+)$/.exec(text);
  if (match === null) return Number(text);
  const digits = match[2]!.replace(/^0(?=[0-7])/, '0o');
  return match[1] === '-' ? -Number(digits) : Number(digits);
}

/** Whether this process was called with UTF-8 only. */
function argumentsAreText(): boolean {
  try {
    return isUtf8(readFileSync('/proc/self/cmdline'));
  } catch {
    return true;
  }
}

function checkNumber(option: GOption, text: string, name: string): void {
  if (option.type === 'int' || option.type === 'int64') {
    if (!/^\s*[+-]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.test(text)) {
      throw new CoppiceError('Usage', `Cannot parse integer value “${text}” for ${name}`);
    }
    const limit = option.type === 'int' ? 2 ** 31 : 2 ** 63;
    const value = numberOf(text);
    if (value >= limit || value < -limit)
      throw new CoppiceError('Usage', `Integer value “${text}” for ${name} out of range`);
  } else if (option.type === 'double' && (text.trim() === '' || Number.isNaN(Number(text)))) {
    throw new CoppiceError('Usage', `Cannot parse double value “${text}” for ${name}`);
  }
}

/**
 * Parses `args`. Throws `Usage` with GOption's wording. `-h`/`--help` must be among `options` to be accepted; `onHelp` is called
 * when it is met, before anything after it is looked at. `fromLocale` makes text of a value.
 */
export function parseGOptions(
  args: readonly string[],
  options: readonly GOption[],
  onHelp?: () => never,
  fromLocale: (value: string) => string = (value) => value,
): GOptions {
  const byLong = new Map(options.map((o) => [o.long, o]));
  const byShort = new Map<string, GOption>();
  // Of two options with one letter the first has it.
  for (const o of options) if (o.short !== undefined && !byShort.has(o.short)) byShort.set(o.short, o);
  const operands: string[] = [];
  const values = new Map<string, string[]>();
  const put = (option: GOption, given: string, name: string): void => {
    if (option.long === 'help') onHelp?.();
    // What was no text has lost its bytes on the way here.
    if (given.includes('\ufffd') && !argumentsAreText())
      throw new CoppiceError('Usage', 'Invalid byte sequence in conversion input');
    checkNumber(option, given, name);
    const value = option.filename === true || option.type?.startsWith('string') === false ? given : fromLocale(given);
    option.check?.(value);
    const list = values.get(option.long);
    if (list !== undefined && option.type === 'strings') list.push(value);
    else values.set(option.long, [value]);
  };
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (word === '--') {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (word.startsWith('--')) {
      const eq = word.indexOf('=');
      const name = eq < 0 ? word.slice(2) : word.slice(2, eq);
      if (word === '--help-all' && byLong.has('help')) onHelp?.();
      const option = byLong.get(name);
      if (option === undefined || (name === 'help' && eq >= 0))
        throw new CoppiceError('Usage', `Unknown option ${word}`);
      if (option.arg === undefined) put(option, '', '');
      else if (eq >= 0) put(option, word.slice(eq + 1), `--${name}`);
      else if (option.optionalArg) put(option, '', `--${name}`);
      else if (i + 1 < args.length) put(option, args[++i]!, `--${name}`);
      else throw new CoppiceError('Usage', `Missing argument for --${name}`);
      continue;
    }
    if (word.startsWith('-') && word.length > 1) {
      let next = i;
      for (let at = 1; at < word.length; at++) {
        if (word[at] === '?' && byLong.has('help')) onHelp?.();
        const option = byShort.get(word[at]!);
        if (option === undefined) throw new CoppiceError('Usage', `Unknown option ${word}`);
        if (option.arg === undefined) {
          put(option, '', '');
          continue;
        }
        const name = `-${word[at]}`;
        if (next > i) throw new CoppiceError('Usage', `Error parsing option ${name}`);
        const given = args[i + 1];
        if (option.optionalArg && (given === undefined || given.startsWith('-'))) put(option, '', name);
        else if (given === undefined) throw new CoppiceError('Usage', `Missing argument for ${name}`);
        else {
          put(option, given, name);
          next = i + 1;
        }
      }
      i = next;
      continue;
    }
    operands.push(word);
  }
  return new GOptions(operands, values);
}

export const helpOption: GOption = { long: 'help', short: 'h', help: 'Show help options' };

export interface HelpText {
  /** e.g. `ostree ls`. */
  readonly command: string;
  /** e.g. `COMMIT [PATH...]`. */
  readonly params?: string;
  readonly summary?: string;
  readonly options: readonly GOption[];
  /** Text after everything. */
  readonly description?: string;
}

/** `g_option_context_get_help` with one main group: `Help Options:` then `Application Options:` on one shared column. */
export function gOptionHelp(help: HelpText): string {
  const label = (o: GOption): string => {
    const letter = o.short !== undefined && help.options.find((other) => other.short === o.short) === o;
    return `${letter ? `-${o.short}, ` : ''}--${o.long}${o.arg ? `=${o.arg}` : ''}`;
  };
  const shown = help.options.filter((o) => !o.hidden && o.long !== 'help');
  // Labels are indented by 2 and padded to the longest plus 5; -h, --help counts too.
  const width = Math.max(...[helpOption, ...shown].map((o) => label(o).length)) + 5;
  const line = (o: GOption): string => {
    const text = label(o);
    return o.help === undefined || o.help === '' ? `  ${text}` : `  ${text.padEnd(width)}${o.help}`;
  };
  let out = `Usage:\n  ${help.command} [OPTION…]${help.params === undefined ? '' : ` ${help.params}`}\n\n`;
  if (help.summary !== undefined) out += `${help.summary}\n\n`;
  out += `Help Options:\n${line(helpOption)}\n\n`;
  if (shown.length > 0) out += `Application Options:\n${shown.map(line).join('\n')}\n\n`;
  if (help.description !== undefined) out += `${help.description}\n`;
  return out;
}
