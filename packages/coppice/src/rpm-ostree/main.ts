import { CoppiceError } from '@coppice/base';
import { rpmOstreeLevel } from '@coppice/rpm-ostree';
import type { Context } from '../cli/context.ts';
import { gOptionHelp } from '../cli/goption.ts';
import { globalOptions } from './options.ts';
import { printVersion, runVerb } from './verb.ts';
import { type VerbGroup, type VerbRow, verbs } from './verbs-table.ts';

function commandList(title: string, rows: Readonly<Record<string, VerbRow | VerbGroup>>): string {
  const shown = Object.entries(rows)
    .filter(([, row]) => row.hidden !== true)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `${title}${shown.map(([name, row]) => `\n  ${name.length < 17 ? name.padEnd(17) : `${name} `}${row.summary}`).join('')}`;
}

/** The first word that is no option is the verb; everything else stays in order. */
function takeWord(args: readonly string[]): { word: string | undefined; rest: string[] } {
  const at = args.findIndex((a) => !a.startsWith('-'));
  const stop = args.indexOf('--');
  if (at < 0 || (stop >= 0 && stop < at)) return { word: undefined, rest: [...args] };
  return { word: args[at]!, rest: args.toSpliced(at, 1) };
}

/** `rpm-ostree VERB ...`. */
export async function run(context: Context, args: readonly string[]): Promise<number> {
  const { level } = rpmOstreeLevel(context.env);
  const commandLine = args.join(' ');
  const topHelp = (): string =>
    gOptionHelp({
      command: 'rpm-ostree',
      params: 'COMMAND',
      summary: commandList('Builtin Commands:', verbs),
      options: globalOptions,
    });
  // What follows is another program's command line.
  if (args[0] === 'cliwrap') {
    const { runCliwrap } = await import('./cliwrap/cliwrap.ts');
    return await runCliwrap(context, args.slice(1), (own, env) =>
      run({ ...context, env: { ...context.env, ...env } }, own),
    );
  }
  const { word, rest } = takeWord(args);
  if (word === undefined) {
    if (rest.includes('--version')) {
      printVersion(context, level);
      return 0;
    }
    if (rest.includes('--help') || rest.includes('-h')) {
      context.stdout.write(topHelp());
      return 0;
    }
    context.stderr.write(topHelp());
    throw new CoppiceError('Usage', 'No command specified');
  }
  const row = Object.hasOwn(verbs, word) ? verbs[word] : undefined;
  if (row === undefined) {
    context.stderr.write(topHelp());
    throw new CoppiceError('Usage', `Unknown command '${word}'`);
  }
  if (!('subverbs' in row)) return await runVerb(context, word, (await row.load()).verb, rest, level, commandLine);
  const sub = takeWord(rest);
  const subHelp = (): string =>
    gOptionHelp({
      command: `rpm-ostree ${word}`,
      params: 'COMMAND',
      summary: `${row.summary}\n\n${commandList(`Builtin "${word}" Commands:`, row.subverbs)}`,
      options: globalOptions,
    });
  if (sub.word === undefined) {
    if (sub.rest.includes('--help') || sub.rest.includes('-h')) {
      context.stdout.write(subHelp());
      return 0;
    }
    context.stderr.write(subHelp());
    throw new CoppiceError('Usage', `No "${word}" subcommand specified`);
  }
  const subRow = Object.hasOwn(row.subverbs, sub.word) ? row.subverbs[sub.word] : undefined;
  if (subRow === undefined) {
    context.stderr.write(subHelp());
    throw new CoppiceError('Usage', `Unknown "${word}" subcommand "${sub.word}"`);
  }
  return await runVerb(context, `${word} ${sub.word}`, (await subRow.load()).verb, sub.rest, level, commandLine);
}
