import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import { getRemote, importRemoteKeys } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  params: 'NAME [KEY-ID...]',
  summary: 'Import GPG keys',
  options: () => [
    { long: 'keyring', short: 'k', arg: 'FILE', type: 'strings', help: 'Import keys from a keyring file (repeatable)' },
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
    const sources: Buffer[] = [];
    const read = (path: string | number, label: string): void => {
      try {
        sources.push(readFileSync(path));
      } catch (error) {
        throw errnoError(error, `Error opening file ${label}`);
      }
    };
    for (const file of options.strings('keyring')) read(resolve(context.cwd, file), file);
    if (options.flag('stdin')) read(0, 'stdin');
    if (sources.length === 0)
      throw new CoppiceError('Usage', 'Importing from the user’s own GnuPG keyring: name it with --keyring');
    const only = keyIds.length === 0 ? undefined : keyIds;
    call.print(importedText(importRemoteKeys(repo, name, sources, only), name));
  },
};

export function importedText(count: number, name: string): string {
  return `Imported ${count} GPG key${count === 1 ? '' : 's'} to remote "${name}"`;
}
