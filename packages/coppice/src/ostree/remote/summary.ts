import { CoppiceError } from '@coppice/base';
import { VariantDict } from '@coppice/gvariant';
import {
  describeGpgResults,
  fetchRemoteSummary,
  getRemote,
  rawSummary,
  verificationKeyring,
  verifyGpg,
  viewSummary,
} from '@coppice/ostree';
import { existingCacheDir } from '../cache-dir.ts';
import { printSummaryKeys } from '../summary-keys.ts';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  params: 'NAME',
  summary: 'Show remote summary',
  options: (level) => [
    ...(level === '2026.4'
      ? [
          { long: 'list-metadata-keys', help: 'List the available metadata keys' },
          { long: 'print-metadata-key', arg: 'KEY', help: 'Print string value of metadata key' },
        ]
      : []),
    { long: 'cache-dir', arg: '', filename: true, help: 'Use custom cache dir' },
    { long: 'raw', help: 'Show raw variant data' },
  ],
  async run(call: OstreeCall) {
    const { operands, options, repo, context } = call;
    const [name] = operands;
    if (name === undefined) call.usage('NAME must be specified');
    const dir = options.string('cache-dir');
    const { summary, signature } = await fetchRemoteSummary(
      repo,
      name,
      dir === undefined ? {} : { cacheDir: existingCacheDir(context, dir) },
    );
    if (summary === undefined) throw new CoppiceError('NotFound', 'Remote server has no summary file');
    if (options.flag('list-metadata-keys') || options.has('print-metadata-key')) {
      printSummaryKeys(call, summary);
      return;
    }
    if (options.flag('raw')) {
      call.print(rawSummary(summary));
      return;
    }
    context.stdout.write(viewSummary(summary));
    const remote = getRemote(repo, name);
    if (!remote.boolean('gpg-verify-summary', false) || signature === undefined) return;
    const results = verifyGpg(summary, VariantDict.decode(signature), verificationKeyring(repo, name), repo.clock);
    const count = results.length === 1 ? '1 signature' : `${results.length} signatures`;
    context.stdout.write(`\nGPG: Verification enabled, found ${count}:\n\n${describeGpgResults(results, '  ')}`);
  },
};
