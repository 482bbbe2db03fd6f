import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import { getRemote, importRemoteKeys } from '@coppice/ostree';
import { defaultGpgHome, gpgHomeKeys, importKeys } from '@coppice/signing';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  params: 'NAME [KEY-ID...]',
  summary: 'Import GPG keys',
  options: () => [
    {
      long: 'keyring',
      short: 'k',
      arg: 'FILE',
      filename: true,
      type: 'strings',
      help: 'Import keys from a keyring file (repeatable)',
    },
    { long: 'stdin', help: 'Import keys from standard input' },
  ],
  run(call: OstreeCall) {
    const { operands, options, repo, context } = call;
    const [name, ...keyIds] = operands;
    if (name === undefined) call.usage('NAME must be specified');
    try {
      getRemote(repo, name);
    } catch (error) {
      throw prefixError(error, 'GPG');
    }
    const files = options.strings('keyring').map((file) => resolve(context.cwd, file));
    if (files.length > 0 && options.flag('stdin')) call.usage('--keyring and --stdin are mutually exclusive');
    const only = keyIds.length === 0 ? undefined : keyIds;
    const sources: Uint8Array[] = [];
    const read = (path: string | number, label: string): void => {
      try {
        sources.push(readFileSync(path));
      } catch (error) {
        throw errnoError(error, `Error opening file ${label}`);
      }
    };
    for (const file of files) read(file, file);
    if (options.flag('stdin')) read(0, 'stdin');
    if (sources.length === 0) sources.push(...ownKeys(context.env, keyIds));
    call.print(importedText(importRemoteKeys(repo, name, sources, only), name));
  },
};

/** The keys of the user's own GnuPG keyring; every key that is named must be there. */
function ownKeys(env: Readonly<Record<string, string | undefined>>, keyIds: readonly string[]): Uint8Array[] {
  const keys = gpgHomeKeys(defaultGpgHome(env));
  if (keys.length === 0 && keyIds.length === 0)
    throw new CoppiceError('NotFound', 'GPG: Unable to export keys: GPGME: No data');
  for (const id of keyIds) {
    if (importKeys(new Uint8Array(0), keys, [id]).found.length === 0)
      throw new CoppiceError('NotFound', `GPG: Unable to find key "${id}": GPGME: End of file`);
  }
  return keys;
}

export function importedText(count: number, name: string): string {
  return `Imported ${count} GPG key${count === 1 ? '' : 's'} to remote "${name}"`;
}
