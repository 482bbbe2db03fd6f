import { getRemote, listRemotes } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  summary: 'List remote repository names',
  options: () => [{ long: 'show-urls', short: 'u', help: 'Show remote URLs in list' }],
  run(call: OstreeCall) {
    const names = listRemotes(call.repo);
    const width = Math.max(0, ...names.map((name) => name.length));
    for (const name of names) {
      if (call.options.flag('show-urls'))
        call.print(`${name.padEnd(width)}  ${getRemote(call.repo, name).need('url')}`);
      else call.print(name);
    }
  },
};
