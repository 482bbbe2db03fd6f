import { CoppiceError } from '@coppice/base';
import { type Context, Exit } from '../cli/context.ts';
import { type GOption, type GOptions, gOptionHelp, parseGOptions } from '../cli/goption.ts';

/** One verb of rpm-ostree. The options are known before it runs, so that help and completion need nothing else. */
export interface Verb {
  /** Words after the verb in the usage line. */
  readonly params?: string;
  readonly summary: string;
  readonly options: readonly GOption[];
  run(call: VerbCall): Promise<number> | number;
}

export interface VerbCall {
  readonly context: Context;
  readonly options: GOptions;
  /** Everything after the program's name, for histories and transactions. */
  readonly commandLine: string;
  /** Prints the help of this verb on stderr, then throws `usage error: MESSAGE`. */
  usageError(message: string): never;
}

export const programVersion = '2026.2';

export function printVersion(context: Context, version: string): void {
  context.stdout.write(`rpm-ostree:\n Version: '${version}'\n Features:\n  - rust\n  - compose\n  - container\n`);
}

/** Parses, handles --help and --version, runs. */
export async function runVerb(
  context: Context,
  name: string,
  verb: Verb,
  args: readonly string[],
  version: string,
  commandLine: string,
): Promise<number> {
  const command = `rpm-ostree ${name}`;
  const help = (): string =>
    gOptionHelp({
      command,
      ...(verb.params === undefined ? {} : { params: verb.params }),
      summary: verb.summary,
      options: verb.options,
    });
  const options = parseGOptions(args, verb.options);
  if (options.flag('help')) {
    context.stdout.write(help());
    return 0;
  }
  if (options.flag('version')) {
    printVersion(context, version);
    throw new Exit(0);
  }
  return await verb.run({
    context,
    options,
    commandLine,
    usageError(message): never {
      context.stderr.write(help());
      throw new CoppiceError('Usage', `usage error: ${message}`);
    },
  });
}
