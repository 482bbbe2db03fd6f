import { basename, resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { hostFs, readFile, replaceFile, setEngineFlags } from '@coppice/linux';
import { type CreateOptions, createRepositoryConcurrently } from '@coppice/rpm';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';
import { checksumOf, compressionOf } from './metadata-flags.ts';

/** Looked for in the repository first, as createrepo_c does. */
function groupFile(context: Context, dir: string, path: string): NonNullable<CreateOptions['extra']>[number] {
  const inside = resolve(dir, path);
  const full = hostFs.stat(inside) === undefined ? resolve(context.cwd, path) : inside;
  try {
    return { type: 'group', name: basename(full), bytes: readFile(full, { limit: 64 * 1024 * 1024 }) };
  } catch (error) {
    throw errnoError(error, path);
  }
}

/** Packages up to this number are described before optimized code would pay. */
const optimizedFrom = 1000;

/** Compiling would take the processor that hashes files. */
function onDigests(packages: number): void {
  if (packages < optimizedFrom) setEngineFlags('--no-maglev', '--no-turbofan');
}

const units: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86400 };

/** Seconds of `2h` and the like. */
function ageOf(text: string): number {
  const unit = units[text.at(-1) ?? ''];
  if (unit === undefined || !/^\d{1,6}.$/.test(text))
    throw new CoppiceError('Usage', `--retain-old-md-by-age: not an age in m, h or d: ${text}`);
  return Number(text.slice(0, -1)) * unit;
}

/** Paths of the packages that are asked for by name; undefined: all. */
function chosen(context: Context, file: string | undefined, names: readonly string[]): string[] | undefined {
  if (file === undefined) return names.length === 0 ? undefined : [...names];
  try {
    const text = readFile(resolve(context.cwd, file), { limit: 64 * 1024 * 1024 }).toString();
    return [...names, ...text.split('\n').map((line) => line.trim())].filter((line) => line !== '');
  } catch (error) {
    throw errnoError(error, file);
  }
}

export const run: SubVerbModule['run'] = async (context, [dirs], flags) => {
  const text = (name: string): string | undefined => flags[name] as string | undefined;
  const [dir, ...volumes] = dirs as readonly [string, ...string[]];
  if (volumes.length > 0 && flags['split'] !== true)
    throw new CoppiceError('Usage', 'exactly one directory is described, unless there is --split');
  const general = text('generalCompressType');
  const compression = compressionOf('--general-compress-type', general ?? 'gz');
  const ofGroup = text('compressType') ?? (flags['xz'] === true ? 'xz' : undefined);
  const checksum = checksumOf('--checksum', String(flags['checksum']));
  const ofRepomd = text('repomdChecksum');
  const count = (name: string, flag: string): number => {
    const value = Number(flags[name]);
    if (!/^\d{1,9}$/.test(String(flags[name]))) throw new CoppiceError('Usage', `${flag}: not a number`);
    return value;
  };
  const limit = count('changelogLimit', '--changelog-limit');
  const list = (name: string): readonly string[] => (flags[name] as readonly string[] | undefined) ?? [];
  const output = text('output');
  const base = text('baseurl');
  const group = text('groupfile');
  const revision = text('revision');
  const prefix = text('locationPrefix');
  const stamp = flags['setTimestampToRevision'] === true;
  if (stamp && !/^\d{1,12}$/.test(revision ?? ''))
    throw new CoppiceError('Usage', '--set-timestamp-to-revision: --revision must be a number of seconds');
  const age = text('retainOldMdByAge');
  const retainOld = count('retainOldMd', '--retain-old-md');
  if (age !== undefined && retainOld > 0)
    throw new CoppiceError('Usage', '--retain-old-md-by-age cannot be combined with --retain-old-md');
  const readList = text('readPkgsList');
  const read: string[] = [];
  const [path, ...others] = [dir, ...volumes].map((name) => resolve(context.cwd, text('basedir') ?? '', name));
  const outputDir = output === undefined ? path! : resolve(context.cwd, output);
  const cache = text('cachedir');
  const wantsDatabase = flags['database'] === true;
  const wantsMore = wantsDatabase || flags['zck'] === true || flags['zckDictDir'] !== undefined || cache !== undefined;
  const more = wantsMore ? await import('./create-derived.ts') : undefined;
  const packages = chosen(context, text('pkglist'), list('includepkg'));
  const made = await createRepositoryConcurrently(path!, {
    compression,
    checksum,
    changelogLimit: limit,
    update: flags['update'] === true,
    updateFrom: list('updateMdPath').map((from) => resolve(context.cwd, from)),
    skipStat: flags['skipStat'] === true,
    recycle: flags['recyclePkglist'] === true,
    keepOther: flags['keepAllMetadata'] === true,
    compatibility: flags['compatibility'] === true,
    onRead: (href) => read.push(href),
    onDigests,
    onBadPackage: (_path, error) => {
      context.stderr.write(`warning: ${error.message}\n`);
    },
    choose: {
      excludes: list('excludes'),
      skipLinks: flags['skipSymlinks'] === true,
      ...(packages === undefined ? {} : { only: packages }),
    },
    cutDirs: count('cutDirs', '--cut-dirs'),
    retainOld,
    ...(age === undefined ? {} : { retainAge: ageOf(age) }),
    ...(ofGroup === undefined ? {} : { groupCompression: compressionOf('--compress-type', ofGroup) }),
    ...(ofRepomd === undefined ? {} : { metadataChecksum: checksumOf('--repomd-checksum', ofRepomd) }),
    simpleNames: flags['simpleMdFilenames'] === true,
    contentTags: list('content'),
    repoTags: list('repo'),
    distroTags: list('distro').map((tag) => {
      const comma = tag.indexOf(',');
      return comma < 0 ? { text: tag } : { cpeid: tag.slice(0, comma), text: tag.slice(comma + 1) };
    }),
    ...(prefix === undefined ? {} : { locationPrefix: prefix }),
    ...(stamp ? { timestamp: Number(revision), stampFiles: true } : {}),
    ...(output === undefined ? {} : { outputDir }),
    ...(flags['split'] === true ? { volumes: others } : {}),
    ...(cache === undefined ? {} : { digestOf: more!.digestsFrom(cache, outputDir, checksum) }),
    ...(more === undefined
      ? {}
      : {
          derivation: more.derivation(context, {
            database: wantsDatabase ? compressionOf('--compress-type', general ?? ofGroup ?? 'bz2') : undefined,
            zchunk: flags['zck'] === true,
            dictionaries: text('zckDictDir'),
            compression,
            checksum: ofRepomd ?? checksum,
            simpleNames: flags['simpleMdFilenames'] === true,
            output: outputDir,
            local: flags['localSqlite'] === true,
            baseUrl: base,
          }),
        }),
    ...(base === undefined ? {} : { baseUrl: base }),
    ...(revision === undefined ? {} : { revision }),
    ...(group === undefined ? {} : { extra: [groupFile(context, path!, group)] }),
  });
  // As the start was, for the compiled code that is kept.
  setEngineFlags('--maglev', '--turbofan');
  if (readList !== undefined) replaceFile(resolve(context.cwd, readList), read.map((href) => `${href}\n`).join(''));
  if (flags['json'] === true)
    context.stdout.write(
      `${JSON.stringify({ packages: made.packages, reused: made.reused, bad: made.bad, revision: made.repomd.revision, metadata: made.repomd.records }, null, 2)}\n`,
    );
  else if (flags['quiet'] !== true) {
    const unchanged = made.reused > 0 ? `, ${made.reused} unchanged` : '';
    const bad = made.bad > 0 ? `, ${made.bad} could not be read` : '';
    context.stdout.write(`${made.packages} packages${unchanged}${bad}\n`);
  }
  return made.bad > 0 && flags['errorExitVal'] === true ? 2 : 0;
};
