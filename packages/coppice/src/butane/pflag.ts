// Command-line parsing and help as spf13/pflag does it: clustered shorts, `--x=v`, flags between operands, `--` ends flags.

export interface PFlag {
  readonly name: string;
  readonly short?: string;
  readonly type: 'bool' | 'string';
  readonly help: string;
  readonly hidden?: true;
  /** Value of a bare `--name`. */
  readonly bare?: string;
  readonly initial?: string;
  /** A message printed at each use. */
  readonly deprecated?: string;
}

export interface PFlagResult {
  readonly values: ReadonlyMap<string, string>;
  readonly operands: readonly string[];
  /** What went wrong; usage and this go to stderr, exit status 2. */
  readonly fault: string | undefined;
  /** Lines for stderr about deprecated flags. */
  readonly notices: readonly string[];
}

const trueWords = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const falseWords = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

function goQuoted(text: string): string {
  return JSON.stringify(text);
}

export function parsePFlags(args: readonly string[], flags: readonly PFlag[]): PFlagResult {
  const values = new Map<string, string>();
  const operands: string[] = [];
  const notices: string[] = [];
  const done = (fault?: string): PFlagResult => ({ values, operands, fault, notices });
  const label = (flag: PFlag): string =>
    flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
  const set = (flag: PFlag, value: string): string | undefined => {
    if (flag.type === 'bool' && !trueWords.includes(value) && !falseWords.includes(value))
      return `invalid argument ${goQuoted(value)} for ${goQuoted(label(flag))} flag: strconv.ParseBool: parsing ${goQuoted(value)}: invalid syntax`;
    values.set(flag.name, flag.type === 'bool' ? String(trueWords.includes(value)) : value);
    if (flag.deprecated !== undefined) notices.push(`Flag --${flag.name} has been deprecated, ${flag.deprecated}`);
    return undefined;
  };
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      continue;
    }
    if (word === '--') {
      operands.push(...args.slice(i + 1));
      return done();
    }
    if (word.startsWith('--')) {
      const eq = word.indexOf('=');
      const name = eq < 0 ? word.slice(2) : word.slice(2, eq);
      if (name === '' || name.startsWith('-') || name.startsWith('=')) return done(`bad flag syntax: ${word}`);
      const flag = flags.find((f) => f.name === name);
      if (flag === undefined) return done(`unknown flag: --${name}`);
      const bare = flag.type === 'bool' ? 'true' : flag.bare;
      let value: string;
      if (eq >= 0) value = word.slice(eq + 1);
      else if (bare !== undefined) value = bare;
      else if (i + 1 < args.length) value = args[++i]!;
      else return done(`flag needs an argument: --${name}`);
      const fault = set(flag, value);
      if (fault !== undefined) return done(fault);
      continue;
    }
    for (let rest = word.slice(1); rest !== ''; ) {
      const c = rest[0]!;
      const flag = flags.find((f) => f.short === c);
      if (flag === undefined) return done(`unknown shorthand flag: '${c}' in -${rest}`);
      const bare = flag.type === 'bool' ? 'true' : flag.bare;
      let value: string;
      if (rest.length > 2 && rest[1] === '=') {
        value = rest.slice(2);
        rest = '';
      } else if (bare !== undefined) {
        value = bare;
        rest = rest.slice(1);
      } else if (rest.length > 1) {
        value = rest.slice(1);
        rest = '';
      } else if (i + 1 < args.length) {
        value = args[++i]!;
        rest = '';
      } else return done(`flag needs an argument: '${c}' in -${rest}`);
      const fault = set(flag, value);
      if (fault !== undefined) return done(fault);
    }
  }
  return done();
}

/** pflag's list of flags, sorted by name. */
export function pflagHelp(flags: readonly PFlag[]): string {
  const rows = flags
    .filter((flag) => flag.hidden === undefined && flag.deprecated === undefined)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((flag) => {
      const left = flag.short === undefined ? `      --${flag.name}` : `  -${flag.short}, --${flag.name}`;
      const kind = flag.type === 'bool' ? '' : ' string';
      const bare = flag.bare === undefined ? '' : `[="${flag.bare}"]`;
      const initial = flag.initial === undefined ? '' : ` (default "${flag.initial}")`;
      return { left: `${left}${kind}${bare}`, right: flag.help + initial };
    });
  const width = Math.max(...rows.map((row) => row.left.length));
  return rows.map((row) => `${row.left.padEnd(width)}   ${row.right}\n`).join('');
}
