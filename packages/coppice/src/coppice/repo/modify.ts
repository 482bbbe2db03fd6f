import { resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { KeyFile } from '@coppice/keyfile';
import { readFile } from '@coppice/linux';
import { type ModifyOptions, modifyRepository, type RepositoryChange } from '@coppice/rpm';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';
import { checksumOf, compressionOf } from './metadata-flags.ts';

/** What the options say of one change. */
function changeOf(flags: Readonly<Record<string, unknown>>): RepositoryChange {
  const text = (name: string): string | undefined => flags[name] as string | undefined;
  const type = text('mdtype');
  const name = text('newName');
  const checksum = text('checksum');
  if (name === '') throw new CoppiceError('Usage', '--new-name: the name is empty');
  const kind = flags['compress'] === false ? 'none' : (text('compressType') ?? 'gz');
  return {
    compression: compressionOf('--compress-type', kind),
    simpleNames: flags['simpleMdFilenames'] === true,
    ...(type === undefined ? {} : { type }),
    ...(name === undefined ? {} : { newName: name }),
    ...(checksum === undefined ? {} : { checksum: checksumOf('--checksum', checksum) }),
  };
}

/** The changes that a batch file lists: a group each, named by the file or by its `path`. */
function batch(context: Context, file: string): RepositoryChange[] {
  let keys: KeyFile;
  try {
    keys = KeyFile.parse(readFile(resolve(context.cwd, file), { limit: 16 * 1024 * 1024 }).toString());
  } catch (error) {
    throw errnoError(error, file);
  }
  return keys.groups().map((group) => {
    const text = (key: string): string | undefined =>
      keys.hasKey(group, key) ? keys.getString(group, key) : undefined;
    const yes = (key: string, otherwise: boolean): boolean =>
      keys.hasKey(group, key) ? keys.getBoolean(group, key) : otherwise;
    const path = text('path') ?? group;
    if (yes('remove', false)) return { remove: true, type: text('type') ?? path };
    const change = changeOf({
      compress: yes('compress', true),
      compressType: text('compress-type'),
      mdtype: text('type'),
      newName: text('new-name'),
      checksum: text('checksum'),
      simpleMdFilenames: !yes('unique-md-filenames', true),
    });
    return { ...change, path: resolve(context.cwd, path) };
  });
}

/** `coppice repo modify`: as modifyrepo_c. */
export const run: SubVerbModule['run'] = async (context, [operands], flags) => {
  const text = (name: string): string | undefined => flags[name] as string | undefined;
  const names = [...(operands as readonly string[])];
  const dir = names.pop()!;
  const file = text('batchfile');
  const removed = text('remove');
  if (
    names.length !== (file === undefined && removed === undefined ? 1 : 0) ||
    (file !== undefined && removed !== undefined)
  )
    throw new CoppiceError(
      'Usage',
      'expected a file and a repodata folder, or --remove or --batchfile and a repodata folder',
    );
  const dictionaries = text('zckDictDir');
  const changes =
    file !== undefined
      ? batch(context, file)
      : removed !== undefined
        ? [{ remove: true, type: removed }]
        : [{ ...changeOf(flags), path: resolve(context.cwd, names[0]!) }];
  let further: Pick<ModifyOptions, 'derivation'> = {};
  if (flags['zck'] === true || dictionaries !== undefined) {
    const { derivation } = await import('./create-derived.ts');
    further = {
      derivation: derivation(context, {
        ...{ database: undefined, zchunk: flags['zck'] === true, dictionaries, compression: 'gzip', local: false },
        ...{ checksum: text('checksum') ?? 'sha256', output: context.cwd, baseUrl: undefined },
        simpleNames: flags['simpleMdFilenames'] === true,
      }),
    };
  }
  modifyRepository(resolve(context.cwd, dir), changes, {
    ...further,
    onWarning: (message) => {
      context.stderr.write(`warning: ${message}\n`);
    },
  });
  return 0;
};
