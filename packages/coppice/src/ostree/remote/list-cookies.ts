import { cookieOwner, readCookies } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  params: 'NAME',
  summary: 'Show remote repository cookies',
  options: () => [],
  run(call: OstreeCall) {
    const [name] = call.operands;
    if (name === undefined) call.usage('NAME must be specified');
    for (const cookie of readCookies(cookieOwner(call.repo, name))) {
      const expires = new Date(cookie.expires * 1000)
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, ' +0000');
      call.print('--');
      call.print(`Domain: ${cookie.domain}`);
      call.print(`Path: ${cookie.path}`);
      call.print(`Name: ${cookie.name}`);
      call.print(`Secure: ${cookie.secure ? 'yes' : 'no'}`);
      call.print(`Expires: ${expires}`);
      call.print(`Value: ${cookie.value}`);
    }
  },
};
