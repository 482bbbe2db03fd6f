import { resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { hostFs, readFile } from '@coppice/linux';
import { expandArchs, type MergeMethod, type MergeOptions, mergeRepositories } from '@coppice/rpm';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';
import { compressionOf } from './metadata-flags.ts';

const methods: readonly string[] = ['repo', 'ts', 'nvr'] satisfies MergeMethod[];

/** Source packages that a file lists, one a line. */
function blockedBy(context: Context, file: string | undefined): readonly string[] {
  if (file === undefined) return [];
  try {
    return readFile(resolve(context.cwd, file), { limit: 64 * 1024 * 1024 })
      .toString()
      .split('\n');
  } catch (error) {
    throw errnoError(error, file);
  }
}

/** What cannot be asked for together. */
function check(flags: Readonly<Record<string, unknown>>): void {
  const needs = (flag: string, name: string, other: string, present: unknown): void => {
    if (flags[flag] !== undefined && present === undefined)
      throw new CoppiceError('Usage', `${name} cannot be used without ${other}`);
  };
  needs('blocked', '--blocked', '--koji', flags['koji']);
  needs('simple', '--simple', '--koji', flags['koji']);
  needs('archExpand', '--arch-expand', '--archlist', flags['archlist']);
  needs('repoPrefixReplace', '--repo-prefix-replace', '--repo-prefix-search', flags['repoPrefixSearch']);
  needs('repoPrefixSearch', '--repo-prefix-search', '--repo-prefix-replace', flags['repoPrefixReplace']);
}

function archsOf(flags: Readonly<Record<string, unknown>>): ReadonlySet<string> | undefined {
  const list = ((flags['archlist'] as string | undefined) ?? '').split(/[,;]/).filter((arch) => arch !== '');
  if (flags['koji'] === true || flags['archExpand'] === true) return expandArchs(list);
  return list.length === 0 ? undefined : new Set(list);
}

async function derivationOf(
  context: Context,
  flags: Readonly<Record<string, unknown>>,
  output: string,
): Promise<Pick<MergeOptions, 'derivation'>> {
  const dictionaries = flags['zckDictDir'] as string | undefined;
  if (flags['database'] !== true && flags['zck'] !== true && dictionaries === undefined) return {};
  const { derivation } = await import('./create-derived.ts');
  const kind = (flags['compressType'] as string | undefined) ?? 'bz2';
  return {
    derivation: (base) =>
      derivation(
        context,
        {
          database: flags['database'] === true ? compressionOf('--compress-type', kind) : undefined,
          zchunk: flags['zck'] === true,
          ...{ dictionaries, compression: 'gzip', checksum: 'sha256', output, local: false, baseUrl: undefined },
          simpleNames: flags['simpleMdFilenames'] === true,
        },
        base,
      ),
  };
}

/** `coppice repo merge`: as mergerepo_c. */
export const run: SubVerbModule['run'] = async (context, [names], flags) => {
  const text = (name: string): string | undefined => flags[name] as string | undefined;
  check(flags);
  const method = text('method') ?? 'repo';
  if (!methods.includes(method)) throw new CoppiceError('Usage', `--method: unknown merge method ${method}`);
  const output = resolve(context.cwd, text('outputdir') ?? 'merged_repo');
  const repositories = [...(flags['repo'] as readonly string[]), ...((names ?? []) as readonly string[])];
  if (repositories.length === 0) throw new CoppiceError('Usage', 'no repositories to merge');
  const search = text('repoPrefixSearch');
  const group = text('groupfile');
  const noarch = text('noarchRepo');
  const archs = archsOf(flags);
  const blocked = blockedBy(context, text('blocked'));
  const derived = await derivationOf(context, flags, output);
  const compression = compressionOf('--compress-type', text('compressType') ?? 'gz');
  try {
    if (hostFs.stat(output) === undefined) hostFs.mkdir(output, 0o755);
  } catch (error) {
    throw errnoError(error, output);
  }
  const repomd = mergeRepositories(repositories, output, {
    cwd: context.cwd,
    method: method as MergeMethod,
    compression,
    all: flags['all'] === true,
    simple: flags['simple'] === true,
    omitBase: flags['omitBaseurl'] === true,
    origins: flags['koji'] === true || flags['pkgorigins'] === true,
    updateinfo: flags['noupdateinfo'] !== true,
    simpleNames: flags['simpleMdFilenames'] === true,
    ...(archs === undefined ? {} : { archs }),
    ...(search === undefined ? {} : { prefix: { search, replace: text('repoPrefixReplace')! } }),
    ...(noarch === undefined ? {} : { noarchRepository: noarch }),
    ...(flags['koji'] === true ? { koji: { blocked } } : {}),
    ...(flags['nogroups'] === true ? { groups: false as const } : group === undefined ? {} : { groups: group }),
    ...derived,
  });
  if (flags['json'] === true) context.stdout.write(`${JSON.stringify({ metadata: repomd.records }, null, 2)}\n`);
  return 0;
};
