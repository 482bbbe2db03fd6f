import type { OstreeLevel } from '@coppice/ostree';
import { type GOption, gOptionHelp, helpOption } from '../cli/goption.ts';
import type { ByLevel, OstreeEntry, OstreeGroup, OstreeVerb } from './verb.ts';

export const repoOption: GOption = {
  long: 'repo',
  arg: 'PATH',
  filename: true,
  help: 'Path to OSTree repository (defaults to current directory or /sysroot/ostree/repo)',
};

/** Options that every verb and group has. */
export const commonOptions: readonly GOption[] = [
  helpOption,
  { long: 'verbose', short: 'v', help: 'Print debug information during command processing' },
  { long: 'version', help: 'Print version information and exit' },
];

function at(text: ByLevel<string>, level: OstreeLevel): string {
  return typeof text === 'function' ? text(level) : text;
}

/** All options that a verb accepts, in help order. */
export function verbOptions(verb: OstreeVerb, level: OstreeLevel): readonly GOption[] {
  return [...(verb.repo === 'none' ? [] : [repoOption]), ...verb.options(level), ...commonOptions];
}

/** `--help` text of a verb. */
export function verbHelp(command: string, verb: OstreeVerb, level: OstreeLevel): string {
  return gOptionHelp({
    command,
    ...(verb.params === undefined ? {} : { params: at(verb.params, level) }),
    ...(verb.summary === undefined ? {} : { summary: at(verb.summary, level) }),
    options: verbOptions(verb, level),
  });
}

/** True when the entry exists at this level. */
export function isPresent(entry: OstreeEntry, level: OstreeLevel): boolean {
  return entry.absent?.(level) !== true;
}

/** `--help` text of a group, or of `ostree` itself (whose command has one word). */
export function groupHelp(command: string, group: OstreeGroup, level: OstreeLevel): string {
  const shown = group.commands.filter(
    (e) => isPresent(e, level) && !(typeof e.hidden === 'function' ? e.hidden(level) : e.hidden),
  );
  const words = command.split(' ').slice(1).join(' ');
  const width = group.column(level);
  const list = `Builtin ${words === '' ? '' : `"${words}" `}Commands:${shown
    .map((e) => `\n  ${e.name.padEnd(width)}${at(e.summary, level)}`)
    .join('')}`;
  if (group.plainUsage) return `Usage:\n  ${command} [OPTION...] COMMAND\n\n${list}\n\n`;
  return gOptionHelp({
    command,
    params: group.params ?? 'COMMAND',
    summary: `${group.summary === undefined ? '' : `${group.summary}\n\n`}${list}`,
    options: [...(group.options?.(level) ?? []), ...commonOptions],
  });
}
