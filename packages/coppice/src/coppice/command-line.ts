// The whole command line of coppice for the parser: every family of verbs, and all of the one that is called.
import { Command, CommanderError } from 'commander';
import type { Context } from '../cli/context.ts';
import { Exit } from '../cli/context.ts';
import { programs } from '../programs.ts';
import { version } from '../version.ts';
import { verbs } from './verbs.ts';

/** Runs what `args` say; its exit status. Messages and help are the parser's. */
export async function runParsed(context: Context, args: readonly string[]): Promise<number> {
  const first = args[0];
  const root = new Command('coppice')
    .description('Fedora CoreOS customization, from a config file to a fleet')
    .version(version, '-V, --version', 'print the version')
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  let status = 0;
  for (const verb of verbs) {
    // Only the called family is loaded; the others appear in --help with their description.
    if (verb.name === first)
      (await verb.load()).define(root.command(verb.name).description(verb.description), context, (s) => (status = s));
    else root.command(verb.name).description(verb.description);
  }
  for (const name of Object.keys(programs)) {
    if (name !== 'coppice') root.command(name).description(`run the drop-in ${name}`);
  }
  root.copyInheritedSettings(root);
  const inherit = (command: Command): void => {
    for (const sub of command.commands) {
      sub.copyInheritedSettings(command);
      inherit(sub);
    }
  };
  inherit(root);
  try {
    await root.parseAsync(args as string[], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) throw new Exit(error.exitCode === 0 ? 0 : 2);
    throw error;
  }
  return status;
}
