import { readFileSync } from 'node:fs';
import type { Context } from '../cli/context.ts';
import { directoryFiles } from './files.ts';
import { convert, type ReadInput } from './main.ts';

// The historic `fcct`: flags with one dash (up to 0.4) as well as with two (since 0.5), input from -input or the one operand.

const readStdin: ReadInput = () => readFileSync(0);

type Flag = { readonly name: string; readonly short?: string; readonly value?: true; readonly help: string };

const flags: readonly Flag[] = [
  { name: 'debug', help: 'log translations' },
  { name: 'files-dir', short: 'd', value: true, help: 'allow embedding local files from this directory' },
  { name: 'help', short: 'h', help: 'show usage and exit' },
  { name: 'input', value: true, help: 'read from input file instead of stdin' },
  { name: 'output', short: 'o', value: true, help: 'write to output file instead of stdout' },
  { name: 'pretty', short: 'p', help: 'output formatted json' },
  { name: 'raw', short: 'r', help: 'never wrap in a MachineConfig; force Ignition output' },
  { name: 'strict', short: 's', help: 'fail on any warning' },
  { name: 'version', short: 'V', help: 'print the version and exit' },
];

function usage(program: string): string {
  const rows = flags.map((flag) => `  -${flag.name}${flag.value === undefined ? '' : ' string'}\n    \t${flag.help}\n`);
  return `Usage of ${program}:\n${rows.join('')}`;
}

const yes = /^(1|t|T|true|TRUE|True)$/;
const no = /^(0|f|F|false|FALSE|False)$/;

/** `fcct [flags] [input-file]`: Go's flag package, plus the short flags that later releases had. */
export function run(context: Context, args: readonly string[], readInput: ReadInput = readStdin): number {
  const values = new Map<string, string>();
  const operands: string[] = [];
  const wrong = (message: string): number => {
    context.stderr.write(`${message}\n${usage(context.program)}`);
    return 2;
  };
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (word === '--') {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      continue;
    }
    const body = word.replace(/^--?/, '');
    const eq = body.indexOf('=');
    const name = eq < 0 ? body : body.slice(0, eq);
    const flag = flags.find((f) => f.name === name || f.short === name);
    if (flag === undefined) return wrong(`flag provided but not defined: -${name}`);
    if (flag.value === undefined) {
      const given = eq < 0 ? 'true' : body.slice(eq + 1);
      if (!yes.test(given) && !no.test(given))
        return wrong(`invalid boolean value ${JSON.stringify(given)} for -${name}: parse error`);
      values.set(flag.name, String(yes.test(given)));
    } else if (eq >= 0) values.set(flag.name, body.slice(eq + 1));
    else if (i + 1 < args.length) values.set(flag.name, args[++i]!);
    else return wrong(`flag needs an argument: -${name}`);
  }
  const flag = (name: string): boolean => values.get(name) === 'true';
  const value = (name: string): string => values.get(name) ?? '';
  if (flag('help')) {
    context.stdout.write(usage(context.program));
    return 0;
  }
  if (flag('version')) {
    context.stdout.write('Butane v0.29.0\n');
    return 0;
  }
  if (operands.length > 1 || (operands.length === 1 && value('input') !== '')) {
    context.stderr.write(usage(context.program));
    return 2;
  }
  const filesDir = value('files-dir');
  return convert(
    context,
    {
      input: operands[0] ?? value('input'),
      output: value('output'),
      check: false,
      strict: flag('strict'),
      rawErrors: false,
      color: false,
      translate: {
        pretty: flag('pretty'),
        raw: flag('raw'),
        debug: flag('debug'),
        ...(filesDir === '' ? {} : { files: directoryFiles(filesDir, context.cwd) }),
      },
    },
    readInput,
  );
}
