import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { entryLine, failureText, parseConfig, type Report } from '@coppice/ignition';
import { goPathError } from '../butane/go-error.ts';
import type { Context } from '../cli/context.ts';

/** Where standard input comes from; tests hand in bytes. */
export type ReadInput = () => Uint8Array;
const readStdin: ReadInput = () => readFileSync(0);

const flagHelp = '  -version\n    \tprint the version of ignition-validate\n';

/** `ignition-validate [flags] config.ign`, after Go's flag package: findings on stdout, other failures on stderr. */
export function run(context: Context, args: readonly string[], readInput: ReadInput = readStdin): number {
  const usage = (): void => {
    context.stderr.write(`Usage:\n  ${context.program} [flags] config.ign\n\n${flagHelp}`);
  };
  let version = false;
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at]!;
    if (word === '--') {
      at++;
      break;
    }
    if (!word.startsWith('-') || word === '-') break;
    const name = word.replace(/^--?/, '');
    if (name === 'h' || name === 'help') {
      usage();
      return 0;
    }
    if (name === 'version' || /^version=(1|t|T|true|TRUE|True)$/.test(name)) version = true;
    else if (/^version=(0|f|F|false|FALSE|False)$/.test(name)) version = false;
    else {
      context.stderr.write(`flag provided but not defined: -${name.split('=')[0]}\n`);
      usage();
      return 2;
    }
  }
  const operands = args.slice(at);
  if (version) {
    context.stdout.write('Ignition 2.26.0\n');
    return 0;
  }
  const file = operands[0];
  if (file === undefined || operands.length !== 1) {
    usage();
    return 1;
  }
  let bytes: Uint8Array;
  try {
    bytes = file === '-' ? readInput() : readFileSync(resolve(context.cwd, file));
  } catch (error) {
    context.stderr.write(`couldn't read config: ${goPathError('open', file, error)}\n`);
    return 1;
  }
  const parsed = parseConfig(bytes, 'next');
  if (parsed.failure !== undefined) {
    context.stderr.write(`couldn't parse config: ${failureText(parsed.failure)}\n`);
    return 1;
  }
  if (parsed.report.entries.length > 0) context.stdout.write(reportText(parsed.report));
  return parsed.report.fatal ? 1 : 0;
}

/** The report as the original prints it: its text is used as a format, so `%` does not survive. */
function reportText(report: Report): string {
  const text = report.entries
    .map((entry) => `${entryLine(entry)}\n`)
    .join('')
    .trim();
  return `${mangleFormat(text)}\n`;
}

/**
 * What Go's fmt makes of a format string without arguments: `%%` is `%`, any other verb (with its flags, width and
 * precision) becomes `%!v(MISSING)`, a trailing `%` becomes `%!(NOVERB)`.
 */
export function mangleFormat(format: string): string {
  return format.replace(/%[-+# 0]*(?:\[\d*\])?\d*(?:\.\d*)?([\s\S]?)/gu, (_, verb: string) =>
    verb === '%' ? '%' : verb === '' ? '%!(NOVERB)' : `%!${verb}(MISSING)`,
  );
}
