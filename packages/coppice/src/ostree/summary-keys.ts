import { CoppiceError } from '@coppice/base';
import { byteswap } from '@coppice/gvariant';
import { decodeSummary } from '@coppice/ostree';
import type { OstreeCall } from './verb.ts';

/** `--list-metadata-keys` and `--print-metadata-key` of a summary. */
export function printSummaryKeys(call: OstreeCall, summary: Uint8Array): void {
  const { metadata } = decodeSummary(summary);
  if (call.options.flag('list-metadata-keys')) {
    for (const key of [...metadata.keys()].sort()) call.print(key);
    return;
  }
  const key = call.options.string('print-metadata-key')!;
  const value = metadata.get(key);
  if (value === undefined) throw new CoppiceError('NotFound', `No such metadata key '${key}'`);
  call.print(byteswap(value).toString());
}
