import { CoppiceError } from '@coppice/base';
import { decodeSummary, fetchRemoteSummary } from '@coppice/ostree';
import { existingCacheDir } from '../cache-dir.ts';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  params: 'NAME',
  summary: 'List remote refs',
  options: (level) => [
    ...(level === '2026.4' ? [{ long: 'revision', short: 'r', help: 'Show revisions in listing' }] : []),
    { long: 'cache-dir', arg: '', filename: true, help: 'Use custom cache dir' },
  ],
  async run(call: OstreeCall) {
    const { operands, options, repo, context } = call;
    const [name] = operands;
    if (name === undefined) call.usage('NAME must be specified');
    const dir = options.string('cache-dir');
    const { summary } = await fetchRemoteSummary(
      repo,
      name,
      dir === undefined ? {} : { cacheDir: existingCacheDir(context, dir) },
    );
    if (summary === undefined)
      throw new CoppiceError('NotFound', 'Remote refs not available; server has no summary file');
    for (const { ref, checksum } of decodeSummary(summary).refs)
      call.print(options.flag('revision') ? `${name}:${ref}\t${checksum}` : `${name}:${ref}`);
  },
};
