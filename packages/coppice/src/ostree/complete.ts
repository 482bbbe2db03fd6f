import { resolve } from 'node:path';
import { eraLevel, levels, type OstreeLevel } from '@coppice/ostree/compat';
import { compatLevel } from '../cli/compat.ts';
import type { Context } from '../cli/context.ts';
import type { GOption } from '../cli/goption.ts';
import { openOption, optionValue, optionWords, starting } from '../coppice/completion/words.ts';
import { defaultRepoPath } from './default-repo.ts';
import { commonOptions, isPresent, verbOptions } from './help.ts';
import type { OstreeEntry, OstreeGroup } from './verb.ts';
import { verbs } from './verbs.ts';

/**
 * What a shell may offer for the last of `words` (those after `ostree`): verbs, options, refs, remotes. Empty where names of
 * files are wanted. Never throws: a repository that cannot be read offers nothing.
 */
export async function completeOstree(context: Context, words: readonly string[]): Promise<string[]> {
  const level = compatLevel(context.env, 'ostree', levels, eraLevel);
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  let list: readonly OstreeEntry[] = verbs;
  let group: OstreeGroup | undefined;
  const rest = [...before];
  for (const word of before) {
    if (word.startsWith('-')) continue;
    const entry = list.find((e) => e.name === word && isPresent(e, level));
    if (entry === undefined) return [];
    rest.splice(rest.indexOf(word), 1);
    const loaded = await entry.load();
    if ('verb' in loaded) {
      const { params = '' } = loaded.verb;
      const text = typeof params === 'function' ? params(level) : params;
      return starting(await forVerb(context, level, verbOptions(loaded.verb, level), text, rest, current), current);
    }
    group = loaded.group;
    list = group.commands;
  }
  const names = list
    .filter((e) => isPresent(e, level) && !(typeof e.hidden === 'function' ? e.hidden(level) : e.hidden))
    .map((e) => e.name);
  if (!current.startsWith('-')) return starting(names, current);
  return starting(optionWords([...(group?.options?.(level) ?? []), ...commonOptions]), current);
}

/** Options whose value is a ref. */
const refOptions = new Set(['branch', 'parent', 'base', 'bind-ref', 'only-branch', 'from', 'to']);

async function forVerb(
  context: Context,
  level: OstreeLevel,
  options: readonly GOption[],
  params: string,
  words: readonly string[],
  current: string,
): Promise<string[]> {
  const open = openOption(options, words, current);
  if (open !== undefined) {
    const refs = refOptions.has(open.long) ? await names(context, level, words, 'refs') : [];
    return refs.map((ref) => `${open.prefix}${ref}`);
  }
  if (current.startsWith('-')) return optionWords(options);
  const operands = words.filter((word) => !word.startsWith('-')).length;
  if (/^(REMOTE|NAME)\b/.test(params) && operands === 0) return names(context, level, words, 'remotes');
  return /COMMIT|REV|REF|BRANCH|PREFIX|OBJECT|DELTA/.test(params) ? names(context, level, words, 'refs') : [];
}

/** Refs or remotes of the repository that the words name. */
async function names(
  context: Context,
  level: OstreeLevel,
  words: readonly string[],
  what: 'refs' | 'remotes',
): Promise<string[]> {
  const sysroot = optionValue(words, 'sysroot');
  const given = optionValue(words, 'repo') ?? (sysroot === undefined ? undefined : `${sysroot}/ostree/repo`);
  const path = given === undefined ? defaultRepoPath(context) : resolve(context.cwd, given);
  try {
    const { listRemotes, Repo } = await import('@coppice/ostree');
    const repo = Repo.open(path, { compat: level });
    return what === 'refs' ? [...repo.listRefs().keys()] : listRemotes(repo);
  } catch {
    return [];
  }
}
