import { fstatSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { plainReport, prettyReport, rawBytes, type TranslateOptions, translateBytes } from '@coppice/butane';
import type { Context } from '../cli/context.ts';
import { directoryFiles } from './files.ts';
import { goPathError } from './go-error.ts';
import { type PFlag, parsePFlags, pflagHelp } from './pflag.ts';

/** Where standard input comes from; tests hand in bytes. */
export type ReadInput = () => Uint8Array;
const readStdin: ReadInput = () => readFileSync(0);

const flags: readonly PFlag[] = [
  { name: 'check', short: 'c', type: 'bool', help: 'check config without producing output' },
  {
    name: 'color',
    type: 'string',
    help: 'control color output: "auto", "always", or "never"',
    bare: 'always',
    initial: 'auto',
  },
  { name: 'colour', type: 'string', help: 'control color output', bare: 'always', hidden: true },
  { name: 'debug', short: 'D', type: 'bool', help: 'log translations', hidden: true },
  {
    name: 'files-dir',
    short: 'd',
    type: 'string',
    help: 'allow embedding local files from this directory',
  },
  { name: 'help', short: 'h', type: 'bool', help: 'show usage and exit' },
  {
    name: 'input',
    type: 'string',
    help: 'read from input file instead of stdin',
    hidden: true,
    deprecated: 'specify filename directly on command line',
  },
  { name: 'output', short: 'o', type: 'string', help: 'write to output file instead of stdout' },
  { name: 'pretty', short: 'p', type: 'bool', help: 'output formatted json' },
  { name: 'raw', short: 'r', type: 'bool', help: 'never wrap in a MachineConfig; force Ignition output' },
  { name: 'raw-errors', type: 'bool', help: 'show raw errors, rather than pretty printing them' },
  { name: 'strict', short: 's', type: 'bool', help: 'fail on any warning' },
  { name: 'version', short: 'V', type: 'bool', help: 'print the version and exit' },
];

/** What a run of `butane` or `fcct` is asked for, however its command line is written. */
export interface ButaneRequest {
  readonly input: string;
  readonly output: string;
  readonly check: boolean;
  readonly strict: boolean;
  readonly rawErrors: boolean;
  readonly color: boolean;
  readonly translate: TranslateOptions;
}

/** `butane [options] [input-file]`. */
export function run(context: Context, args: readonly string[], readInput: ReadInput = readStdin): number {
  const parsed = parsePFlags(args, flags);
  const usage = (): string => `Usage: ${context.program} [options] [input-file]\nOptions:\n${pflagHelp(flags)}`;
  for (const notice of parsed.notices) context.stderr.write(`${notice}\n`);
  if (parsed.fault !== undefined) {
    context.stderr.write(`${usage()}${parsed.fault}\n`);
    return 2;
  }
  const flag = (name: string): boolean => parsed.values.get(name) === 'true';
  const value = (name: string): string => parsed.values.get(name) ?? '';
  let input = value('input');
  if (parsed.operands.length === 1 && input === '') input = parsed.operands[0]!;
  else if (parsed.operands.length > 0) {
    context.stderr.write(usage());
    return 2;
  }
  if (flag('help')) {
    context.stdout.write(usage());
    return 0;
  }
  if (flag('version')) {
    context.stdout.write('Butane v0.29.0\n');
    return 0;
  }
  const filesDir = value('files-dir');
  return convert(
    context,
    {
      input,
      output: value('output'),
      check: flag('check'),
      strict: flag('strict'),
      rawErrors: flag('raw-errors'),
      color: wantColor(args, parsed.values, context),
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

/** `--color` and `--colour` are one setting; the later one counts. */
function wantColor(args: readonly string[], values: ReadonlyMap<string, string>, context: Context): boolean {
  const last = args.findLast((word) => /^--colou?r(=|$)/.test(word));
  const value = values.get(last?.startsWith('--colour') === true ? 'colour' : 'color') ?? 'auto';
  if (value === 'always' || value === 'yes') return true;
  if (value !== 'auto' || context.env['NO_COLOR'] !== undefined) return false;
  try {
    return context.stderr.isTTY || fstatSync(2).isCharacterDevice();
  } catch {
    return false;
  }
}

/** Reads, translates, reports and writes. */
export function convert(context: Context, request: ButaneRequest, readInput: ReadInput): number {
  const fail = (message: string): number => {
    context.stderr.write(rawBytes(`${message}\n`));
    return 1;
  };
  let source: Uint8Array;
  const name = request.input === '' ? '<stdin>' : request.input;
  try {
    source = request.input === '' ? readInput() : readFileSync(resolve(context.cwd, request.input));
  } catch (error) {
    const verb = (error as { syscall?: unknown }).syscall === 'read' ? 'read' : 'open';
    return fail(`failed to ${verb} ${request.input}: ${goPathError('open', request.input, error)}`);
  }
  const done = translateBytes(source, request.translate);
  if (done.debugText !== undefined) context.stderr.write(done.debugText);
  const report = request.rawErrors
    ? plainReport(done.entries)
    : prettyReport(done.entries, name, source, request.color);
  context.stderr.write(rawBytes(report));
  if (done.failure !== undefined) return fail(`Error translating config: ${done.failure}`);
  if (request.strict && done.entries.length > 0) return fail('Config produced warnings and --strict was specified');
  if (request.check) return 0;
  const text = `${done.output}\n`;
  if (request.output === '') {
    context.stdout.write(text);
    return 0;
  }
  try {
    writeFileSync(resolve(context.cwd, request.output), text, { mode: 0o644 });
  } catch (error) {
    return fail(`failed to open ${request.output}: ${goPathError('open', request.output, error)}`);
  }
  return 0;
}
