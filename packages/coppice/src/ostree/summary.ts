import { resolve } from 'node:path';
import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import { parseVariant, type Variant, VariantDict } from '@coppice/gvariant';
import { readFile } from '@coppice/linux';
import {
  describeGpgResults,
  rawSummary,
  updateSummary,
  verificationKeyring,
  verifyGpg,
  viewSummary,
} from '@coppice/ostree';
import { signEngine } from '@coppice/signing';
import { keyValue } from './commit-metadata.ts';
import { ensureWritable } from './ensure-writable.ts';
import { signersOf, signOptions } from './signers.ts';
import { printSummaryKeys } from './summary-keys.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  summary: 'Manage summary metadata',
  options: (level) => [
    { long: 'update', short: 'u', help: 'Update the summary' },
    { long: 'view', short: 'v', help: 'View the local summary file' },
    { long: 'raw', help: 'View the raw bytes of the summary file' },
    ...(level === '2026.4'
      ? [
          { long: 'list-metadata-keys', help: 'List the available metadata keys' },
          { long: 'print-metadata-key', arg: 'KEY', help: 'Print string value of metadata key' },
        ]
      : []),
    { long: 'gpg-sign', arg: 'KEY-ID', type: 'strings', help: 'GPG Key ID to sign the summary with' },
    { long: 'gpg-homedir', arg: 'HOMEDIR', filename: true, help: 'GPG Homedir to use when looking for keyrings' },
    ...signOptions('Key ID to sign the summary with'),
    {
      long: 'add-metadata',
      short: 'm',
      arg: 'KEY=VALUE',
      type: 'strings',
      help: 'Additional metadata field to add to the summary',
    },
  ],
  run(call: OstreeCall) {
    const { repo, options, level } = call;
    // Asked for before anything is done with it.
    if (options.has('sign')) signEngine(options.string('sign-type') ?? 'ed25519', call.context.env);
    if (options.flag('update')) {
      ensureWritable(repo);
      const metadata = new Map<string, Variant>();
      for (const text of options.strings('add-metadata')) {
        const [key, value] = keyValue(text);
        try {
          metadata.set(key, parseVariant(value));
        } catch (error) {
          throw prefixError(error, `Error parsing variant ‘${value}’: `);
        }
      }
      updateSummary(repo, { metadata, signers: signersOf(call) });
      return;
    }
    const raw = options.flag('raw');
    const keys = options.flag('list-metadata-keys') || options.has('print-metadata-key');
    if (!options.flag('view') && !raw && !keys)
      throw new CoppiceError('Usage', 'No option specified; use -u to update summary');
    const read = (name: string): Buffer | undefined => {
      try {
        return readFile(`${repo.path}/${name}`, { limit: 128 * 1024 * 1024 });
      } catch (error) {
        if ((error as { code?: string }).code === 'ENOENT') return undefined;
        throw errnoError(error, `openat(${name})`);
      }
    };
    const bytes = read('summary');
    if (bytes === undefined) throw errnoError(Object.assign(new Error('x'), { code: 'ENOENT' }), 'openat(summary)');
    if (keys) {
      printSummaryKeys(call, bytes);
      return;
    }
    if (raw) {
      call.print(rawSummary(bytes));
      return;
    }
    call.context.stdout.write(viewSummary(bytes));
    if (level === '2026.4') call.context.stdout.write(signatureNote(call, bytes, read('summary.sig')));
  },
};

/** What the newest release adds to the view: who signed the summary. */
function signatureNote(call: OstreeCall, bytes: Buffer, signature: Buffer | undefined): string {
  const { repo, options, context } = call;
  const home = options.string('gpg-homedir');
  const keyring = verificationKeyring(repo, undefined, home === undefined ? [] : [resolve(context.cwd, home)]);
  const results = signature === undefined ? [] : verifyGpg(bytes, VariantDict.decode(signature), keyring, repo.clock);
  if (results.length === 0) return 'Summary is unsigned\n';
  const count = results.length === 1 ? '1 signature' : `${results.length} signatures`;
  return `\nFound ${count} on the summary:\n\n${describeGpgResults(results, '  ')}`;
}
