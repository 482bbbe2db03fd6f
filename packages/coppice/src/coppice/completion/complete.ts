import { Command } from 'commander';
import type { Context } from '../../cli/context.ts';
import { completeOstree } from '../../ostree/complete.ts';
import { programs } from '../../programs.ts';
import { completeRpmOstree } from '../../rpm-ostree/complete.ts';
import { verbs } from '../verbs.ts';
import { starting } from './words.ts';

/** The options of a command of commander as words; one that takes a value ends in `=`. */
function commanderOptions(command: Command): string[] {
  const own = command.options
    .filter((o) => o.long !== undefined && !o.hidden)
    .map((o) => `${o.long}${o.required ? '=' : ''}`);
  return [...own, '--help'];
}

async function completeCoppice(context: Context, words: readonly string[]): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const first = before[0];
  if (first === undefined) {
    if (current.startsWith('-')) return starting(['--version', '--help'], current);
    return starting([...verbs.map((v) => v.name), ...Object.keys(programs).filter((p) => p !== 'coppice')], current);
  }
  if (Object.hasOwn(completers, first)) return completers[first]!(context, words.slice(1));
  const family = verbs.find((v) => v.name === first);
  if (family === undefined) return [];
  let command = new Command(first);
  (await family.load()).define(command, context, () => {});
  for (const word of before.slice(1)) command = command.commands.find((c) => c.name() === word) ?? command;
  if (current.startsWith('-')) return starting(commanderOptions(command), current);
  return starting(
    command.commands.map((c) => c.name()),
    current,
  );
}

const completers: Readonly<Record<string, (context: Context, words: readonly string[]) => Promise<string[]>>> = {
  ostree: completeOstree,
  'rpm-ostree': completeRpmOstree,
  coppice: completeCoppice,
};

/** The programs whose words can be completed. */
export const completed: readonly string[] = Object.keys(completers);

/** What the last of `words` (those after the program's name) may become; nothing for a program that is not known. */
export async function complete(context: Context, program: string, words: readonly string[]): Promise<string[]> {
  return Object.hasOwn(completers, program) ? await completers[program]!(context, words) : [];
}
