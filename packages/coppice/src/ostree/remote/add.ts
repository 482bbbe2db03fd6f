import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { addRemote, importRemoteKeys, type RemoteValue } from '@coppice/ostree';
import { signEngine } from '@coppice/signing';
import { parseKeyValue } from '../key-value.ts';
import type { OstreeCall, OstreeVerb } from '../verb.ts';
import { importedText } from './gpg-import.ts';
import { openSysrootRepo, sysrootOptions } from './sysroot-repo.ts';

export const verb: OstreeVerb = {
  params: 'NAME [metalink=|mirrorlist=]URL [BRANCH...]',
  summary: 'Add a remote repository',
  repo: 'none',
  options: () => [
    { long: 'set', arg: 'KEY=VALUE', type: 'strings', help: 'Set config option KEY=VALUE for remote' },
    { long: 'no-gpg-verify', help: 'Disable GPG verification' },
    { long: 'no-sign-verify', help: 'Disable signature verification' },
    {
      long: 'sign-verify',
      arg: 'KEYTYPE=[inline|file]:PUBKEY',
      type: 'strings',
      help: 'Verify signatures using KEYTYPE=inline:PUBKEY or KEYTYPE=file:/path/to/key',
    },
    { long: 'if-not-exists', help: 'Do nothing if the provided remote exists' },
    { long: 'force', help: 'Replace the provided remote if it exists' },
    { long: 'gpg-import', arg: 'FILE', filename: true, help: 'Import GPG key from FILE' },
    { long: 'custom-backend', arg: 'NAME', help: 'This remote has content not fetched via libostree' },
    { long: 'contenturl', arg: 'URL', help: 'Use URL when fetching content' },
    {
      long: 'collection-id',
      arg: 'COLLECTION-ID',
      help: 'Globally unique ID for this repository as an collection of refs for redistribution to other repositories',
    },
    ...sysrootOptions,
  ],
  async run(call: OstreeCall) {
    const { operands, options, context } = call;
    const [name, url, ...branches] = operands;
    const backend = options.string('custom-backend');
    const { repo, sysroot } = await openSysrootRepo(call);
    if (name === undefined || (url === undefined && backend === undefined))
      call.usage(backend === undefined ? 'NAME and URL must be specified' : 'NAME must be specified');
    if (options.flag('if-not-exists') && options.flag('force'))
      call.usage('Can only specify one of --if-not-exists and --force');
    addRemote(repo, name, {
      ...(url === undefined ? {} : { url }),
      keys: remoteKeys(call, branches),
      existing: options.flag('if-not-exists') ? 'keep' : options.flag('force') ? 'replace' : 'fail',
      inRemotesDir: sysroot,
    });
    const file = options.string('gpg-import');
    if (file === undefined) return;
    const path = resolve(context.cwd, file);
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      throw errnoError(error, `Error opening file ${path}`);
    }
    call.print(importedText(importRemoteKeys(repo, name, [bytes]), name));
  },
};

function remoteKeys(call: OstreeCall, branches: readonly string[]): [string, RemoteValue][] {
  const { options } = call;
  const keys: [string, RemoteValue][] = [];
  if (branches.length > 0) keys.push(['branches', branches]);
  const contentUrl = options.string('contenturl');
  if (contentUrl !== undefined) keys.push(['contenturl', contentUrl]);
  for (const text of options.strings('set')) keys.push(parseKeyValue(text, 'set'));
  const backend = options.string('custom-backend');
  if (backend !== undefined) keys.push(['custom-backend', backend]);
  if (options.flag('no-gpg-verify')) keys.push(['gpg-verify', false]);
  if (options.flag('no-sign-verify')) keys.push(['gpg-verify', false], ['sign-verify', false]);
  const engines: string[] = [];
  for (const text of options.strings('sign-verify')) {
    const eq = text.indexOf('=');
    if (eq < 0) throw new CoppiceError('Usage', `Failed to parse KEYTYPE=[inline|file]:DATA in ${text}`);
    const type = text.slice(0, eq);
    const value = text.slice(eq + 1);
    const colon = value.indexOf(':');
    const place = colon < 0 ? '' : value.slice(0, colon);
    const engine = signEngine(type, call.context.env).name;
    if (place === 'inline') keys.push([`verification-${engine}-key`, value.slice(colon + 1)]);
    else if (place === 'file') keys.push([`verification-${engine}-file`, value.slice(colon + 1)]);
    else throw new CoppiceError('Usage', `Invalid key reference ${place}, expected inline|file`);
    engines.push(engine);
  }
  // Several engines end up in one comma-joined name, as upstream writes it.
  if (engines.length > 0) keys.push(['sign-verify', engines.join(',')]);
  const collection = options.string('collection-id');
  if (collection !== undefined) keys.push(['collection-id', collection]);
  return keys;
}
