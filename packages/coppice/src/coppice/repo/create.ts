import { basename, resolve } from 'node:path';
import type { Compression } from '@coppice/archive';
import { CoppiceError, errnoError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import { type CreateOptions, createRepositoryConcurrently } from '@coppice/rpm';
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

export const run: SubVerbModule['run'] = async (context, [dir], flags) => {
  const kind = String(flags['compressType']);
  const compression = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (compression === undefined) throw new CoppiceError('Usage', `--compress-type: unknown compression ${kind}`);
  const checksum = String(flags['checksum']);
  if (!['sha1', 'sha224', 'sha256', 'sha384', 'sha512'].includes(checksum))
    throw new CoppiceError('Usage', `--checksum: unknown checksum ${checksum}`);
  const limit = Number(flags['changelogLimit']);
  if (!Number.isSafeInteger(limit) || limit < 0) throw new CoppiceError('Usage', '--changelog-limit: not a number');
  const text = (name: string): string | undefined => flags[name] as string | undefined;
  const output = text('output');
  const base = text('baseurl');
  const group = text('groupfile');
  const revision = text('revision');
  const made = await createRepositoryConcurrently(resolve(context.cwd, dir as string), {
    compression,
    checksum,
    changelogLimit: limit,
    update: flags['update'] === true,
    onBadPackage: (_path, error) => {
      context.stderr.write(`warning: ${error.message}\n`);
    },
    ...(output === undefined ? {} : { outputDir: resolve(context.cwd, output) }),
    ...(base === undefined ? {} : { baseUrl: base }),
    ...(revision === undefined ? {} : { revision }),
    ...(group === undefined ? {} : { extra: [groupFile(resolve(context.cwd, group))] }),
  });
  if (flags['json'] === true)
    context.stdout.write(
      `${JSON.stringify({ packages: made.packages, reused: made.reused, bad: made.bad, revision: made.repomd.revision, metadata: made.repomd.records }, null, 2)}\n`,
    );
  else {
    const unchanged = made.reused > 0 ? `, ${made.reused} unchanged` : '';
    const bad = made.bad > 0 ? `, ${made.bad} could not be read` : '';
    context.stdout.write(`${made.packages} packages${unchanged}${bad}\n`);
  }
  return made.bad > 0 && flags['errorExitVal'] === true ? 2 : 0;
};
