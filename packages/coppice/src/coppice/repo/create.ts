import { basename, resolve } from 'node:path';
import type { Compression } from '@coppice/archive';
import { CoppiceError, errnoError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import { type CreateOptions, createRepositoryConcurrently } from '@coppice/rpm';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';

const kinds: Readonly<Record<string, Compression>> = {
  gz: 'gzip',
  gzip: 'gzip',
  zstd: 'zstd',
  zst: 'zstd',
  xz: 'xz',
  bz2: 'bzip2',
  bzip2: 'bzip2',
  none: 'none',
};

function groupFile(path: string): NonNullable<CreateOptions['extra']>[number] {
  try {
    return { type: 'group', name: basename(path), bytes: readFile(path, { limit: 64 * 1024 * 1024 }) };
  } catch (error) {
    throw errnoError(error, path);
  }
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

export const run: SubVerbModule['run'] = async (context, [dir], flags) => {
  const kind = String(flags['generalCompressType'] ?? flags['compressType']);
  const compression = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (compression === undefined) throw new CoppiceError('Usage', `--compress-type: unknown compression ${kind}`);
  const checksum = String(flags['checksum']);
  if (!['md5', 'sha', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'].includes(checksum))
    throw new CoppiceError('Usage', `--checksum: unknown checksum ${checksum}`);
  const count = (name: string, flag: string): number => {
    const value = Number(flags[name]);
    if (!/^\d{1,9}$/.test(String(flags[name]))) throw new CoppiceError('Usage', `${flag}: not a number`);
    return value;
  };
  const limit = count('changelogLimit', '--changelog-limit');
  const list = (name: string): readonly string[] => (flags[name] as readonly string[] | undefined) ?? [];
  const text = (name: string): string | undefined => flags[name] as string | undefined;
  const output = text('output');
  const base = text('baseurl');
  const group = text('groupfile');
  const revision = text('revision');
  const prefix = text('locationPrefix');
  const stamp = flags['setTimestampToRevision'] === true;
  if (stamp && !/^\d{1,12}$/.test(revision ?? ''))
    throw new CoppiceError('Usage', '--set-timestamp-to-revision: --revision must be a number of seconds');
  const packages = chosen(context, text('pkglist'), list('includepkg'));
  const made = await createRepositoryConcurrently(resolve(context.cwd, dir as string), {
    compression,
    checksum,
    changelogLimit: limit,
    update: flags['update'] === true,
    onBadPackage: (_path, error) => {
      context.stderr.write(`warning: ${error.message}\n`);
    },
    choose: {
      excludes: list('excludes'),
      skipLinks: flags['skipSymlinks'] === true,
      ...(packages === undefined ? {} : { only: packages }),
    },
    cutDirs: count('cutDirs', '--cut-dirs'),
    retainOld: count('retainOldMd', '--retain-old-md'),
    simpleNames: flags['simpleMdFilenames'] === true,
    contentTags: list('content'),
    repoTags: list('repo'),
    distroTags: list('distro').map((tag) => {
      const comma = tag.indexOf(',');
      return comma < 0 ? { text: tag } : { cpeid: tag.slice(0, comma), text: tag.slice(comma + 1) };
    }),
    ...(prefix === undefined ? {} : { locationPrefix: prefix }),
    ...(stamp ? { timestamp: Number(revision), stampFiles: true } : {}),
    ...(output === undefined ? {} : { outputDir: resolve(context.cwd, output) }),
    ...(base === undefined ? {} : { baseUrl: base }),
    ...(revision === undefined ? {} : { revision }),
    ...(group === undefined ? {} : { extra: [groupFile(resolve(context.cwd, group))] }),
  });
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
