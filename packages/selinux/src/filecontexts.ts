// file_contexts(5): one specification per line, `REGEX [TYPE] CONTEXT`. The whole path must match. Specifications without
// regular-expression characters win over those with; among equals the last one wins.

import { CoppiceError } from '@coppice/base';

export interface FileContextSpec {
  /** The regular expression as written. */
  readonly pattern: string;
  /** S_IFMT bits the entry must have; 0 for any. */
  readonly type: number;
  /** Undefined for `<<none>>`: such files are left without a label. */
  readonly context: string | undefined;
  /** Leading text of every path that can match. */
  readonly prefix: string;
  /** No character of the pattern is special. */
  readonly exact: boolean;
}

const types: Readonly<Record<string, number>> = {
  '--': 0o100000,
  '-d': 0o040000,
  '-l': 0o120000,
  '-c': 0o020000,
  '-b': 0o060000,
  '-p': 0o010000,
  '-s': 0o140000,
};

const special = new Set([...'.^$?*+|[({']);

/** The literal start of a pattern and whether all of it is literal. A character made optional by what follows does not count. */
function literalStart(pattern: string): { prefix: string; exact: boolean } {
  let prefix = '';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    if (special.has(char)) {
      const optional = char === '?' || char === '*' || char === '{';
      // An alternative at the top level makes the start itself optional.
      if (hasTopLevelAlternative(pattern)) return { prefix: '', exact: false };
      return { prefix: optional ? prefix.slice(0, -1) : prefix, exact: false };
    }
    if (char === '\\' && i + 1 < pattern.length) {
      // `\w` and the like stand for classes.
      if (/[A-Za-z0-9]/.test(pattern[i + 1]!)) return { prefix, exact: false };
      prefix += pattern[++i]!;
    } else prefix += char;
  }
  return { prefix, exact: true };
}

function hasTopLevelAlternative(pattern: string): boolean {
  let depth = 0;
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    if (char === '\\') i++;
    else if (inClass) inClass = char !== ']';
    else if (char === '[') inClass = true;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '|' && depth === 0) return true;
  }
  return false;
}

/** Parses the text of one file. Throws `Invalid` naming `source` and the line. */
export function parseFileContexts(text: string, source = 'file_contexts'): FileContextSpec[] {
  const specs: FileContextSpec[] = [];
  text.split('\n').forEach((line, i) => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const words = trimmed.split(/\s+/);
    const type = words.length > 2 ? types[words[1]!] : 0;
    const context = words.length > 2 ? words[2] : words[1];
    if (context === undefined || type === undefined || words.length > 3)
      throw new CoppiceError('Invalid', `${source}: line ${i + 1} is not a file context`);
    specs.push({
      pattern: words[0]!,
      type,
      context: context === '<<none>>' ? undefined : context,
      ...literalStart(words[0]!),
    });
  });
  return specs;
}

const posixClasses: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  upper: 'A-Z',
  space: '\\s',
  xdigit: '0-9A-Fa-f',
  punct: '!-\\/:-@\\[-`{-~',
  word: '\\w',
};

/** The pattern as a JavaScript expression over the whole path; dots match line ends too. */
export function compilePattern(pattern: string): RegExp {
  const converted = pattern.replace(/\[:([a-z]+):\]/g, (whole, name: string) => posixClasses[name] ?? whole);
  return new RegExp(`^(?:${converted})$`, 's');
}
