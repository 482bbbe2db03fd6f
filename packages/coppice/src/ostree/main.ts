import { isAbsolute, resolve } from 'node:path';
import { CoppiceError, isCoppiceError, prefixError } from '@coppice/base';
import type { Repo } from '@coppice/ostree';
import { eraLevel, levels, type OstreeLevel, ostreeCompat } from '@coppice/ostree/compat';
import { fromLocale, localeEncoder } from '../cli/charset.ts';
import { compatLevel } from '../cli/compat.ts';
import { type Context, Exit } from '../cli/context.ts';
import { type GOptions, parseGOptions } from '../cli/goption.ts';
import { defaultRepoPath } from './default-repo.ts';
import { runExternal } from './external.ts';
import { commonOptions, groupHelp, isPresent, verbHelp, verbOptions } from './help.ts';
import { type OstreeCall, type OstreeGroup, type OstreeVerb, UsageError } from './verb.ts';
import { verbs } from './verbs.ts';
import { versionText } from './version.ts';

const root: OstreeGroup = { column: () => 18, commands: verbs };

/** The `ostree` program: the first word without a dash is the command, everything else belongs to it. */
export async function run(context: Context, args: readonly string[]): Promise<number> {
  const level = compatLevel(context.env, 'ostree', levels, eraLevel);
  if (ostreeCompat(level).printsInCharset) {
    context.stdout.encode = localeEncoder(context.env);
    context.stderr.encode = context.stdout.encode;
  }
  const { command, rest } = takeCommand(args, false);
  if (command !== undefined && !verbs.some((v) => v.name === command && isPresent(v, level))) {
    const status = await runExternal(context, args, command);
    if (status !== undefined) return status;
  }
  return runGroup(context, level, 'ostree', root, command, rest);
}

/** With `cut`, as groups of verbs have it, `--` and everything behind it is dropped. */
function takeCommand(all: readonly string[], cut: boolean): { command: string | undefined; rest: string[] } {
  const end = cut ? all.indexOf('--') : -1;
  const args = end < 0 ? all : all.slice(0, end);
  const at = args.findIndex((word) => !word.startsWith('-'));
  if (at < 0) return { command: undefined, rest: [...args] };
  return { command: args[at], rest: args.toSpliced(at, 1) };
}

function printVersion(context: Context, level: OstreeLevel): never {
  context.stdout.write(versionText(level));
  throw new Exit(0);
}

async function runGroup(
  context: Context,
  level: OstreeLevel,
  name: string,
  group: OstreeGroup,
  command: string | undefined,
  rest: readonly string[],
): Promise<number> {
  const entry = group.commands.find((e) => e.name === command && isPresent(e, level));
  if (entry !== undefined) {
    const loaded = await entry.load();
    if ('verb' in loaded) return runVerb(context, level, `${name} ${entry.name}`, loaded.verb, rest);
    const inner = takeCommand(rest, !loaded.group.plainUsage);
    return runGroup(context, level, `${name} ${entry.name}`, loaded.group, inner.command, inner.rest);
  }
  const help = groupHelp(name, group, level);
  const showHelp = (): never => {
    context.stdout.write(help);
    throw new Exit(0);
  };
  const words = name.split(' ').slice(1).join(' ');
  const textOf = (value: string): string => fromLocale(value, context.env);
  try {
    if (group.plainUsage) {
      if (rest.some((word) => word === '--help' || word === '-h')) showHelp();
    } else {
      const options = parseGOptions(rest, [...(group.options?.(level) ?? []), ...commonOptions], showHelp, textOf);
      if (options.flag('version')) printVersion(context, level);
      const status = command === undefined ? await group.bare?.(options, context, level) : undefined;
      if (status !== undefined) return status;
    }
    const quoted = words === '' ? '' : `"${words}" sub`;
    const missing = words === '' || group.plainUsage ? 'No command specified' : `No "${words}" subcommand specified`;
    throw new UsageError(command === undefined ? missing : `Unknown ${quoted}command '${command}'`);
  } catch (error) {
    if (isCoppiceError(error, 'Usage')) context.stderr.write(help);
    throw error;
  }
}

async function runVerb(
  context: Context,
  level: OstreeLevel,
  name: string,
  verb: OstreeVerb,
  args: readonly string[],
): Promise<number> {
  const early = await verb.early?.(context);
  if (early !== undefined) return early;
  const showHelp = (): never => {
    context.stdout.write(verbHelp(name, verb, level));
    throw new Exit(0);
  };
  const textOf = (value: string): string => fromLocale(value, context.env);
  const options = parseGOptions(args, verbOptions(verb, level), showHelp, textOf);
  if (options.flag('version')) printVersion(context, level);
  const repoPath = verb.repo === 'none' ? undefined : options.string('repo');
  const openRepo = (path?: string): Promise<Repo> => openRepository(context, level, path);
  try {
    const repo = (verb.repo ?? 'open') === 'open' ? await openRepo(repoPath) : undefined;
    return (await verb.run(makeCall(context, level, options, repoPath, repo, openRepo))) ?? 0;
  } catch (error) {
    if (error instanceof UsageError) {
      context.stdout.flush();
      context.stderr.write(`${verbHelp(name, verb, level)}${error.spaced ? '\n' : ''}`);
    }
    throw error;
  }
}

function makeCall(
  context: Context,
  level: OstreeLevel,
  options: GOptions,
  repoPath: string | undefined,
  repo: Repo | undefined,
  openRepo: OstreeCall['openRepo'],
): OstreeCall {
  return {
    context,
    level,
    options,
    operands: options.operands,
    repoPath,
    get repo(): Repo {
      if (repo === undefined) throw new CoppiceError('Bug', 'this verb opens no repository');
      return repo;
    },
    openRepo,
    usage(message) {
      throw new UsageError(message);
    },
    print: (line) => context.stdout.write(`${line}\n`),
    warn: (line) => {
      context.stdout.flush();
      context.stderr.write(`${line}\n`);
      context.stderr.flush();
    },
  };
}

/** `--repo`, else the current directory if it is a repository, else $OSTREE_REPO, else the repository of $OSTREE_SYSROOT. */
async function openRepository(context: Context, level: OstreeLevel, path: string | undefined): Promise<Repo> {
  const { Repo } = await import('@coppice/ostree/repo');
  const options = { compat: level };
  if (path !== undefined) {
    if (path === '') throw new CoppiceError('NotFound', 'opening repo: opendir((null)): Bad address');
    const absolute = isAbsolute(path) ? resolve(path) : resolve(context.cwd, path);
    try {
      return Repo.open(absolute, options);
    } catch (error) {
      throw prefixError(error, 'opening repo');
    }
  }
  const found = defaultRepoPath(context);
  try {
    return Repo.open(found, options);
  } catch (error) {
    if (isCoppiceError(error, 'NotFound')) throw new UsageError('Command requires a --repo argument', false);
    throw error;
  }
}
