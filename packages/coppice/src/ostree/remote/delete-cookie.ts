import { cookieOwner, deleteCookie } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  params: 'NAME DOMAIN PATH COOKIE_NAME',
  summary: 'Remove one cookie from remote',
  options: () => [],
  run(call: OstreeCall) {
    const [name, domain, path, cookie] = call.operands;
    if (cookie === undefined) call.usage('NAME, DOMAIN, PATH and COOKIE_NAME must be specified');
    deleteCookie(cookieOwner(call.repo, name!), domain!, path!, cookie);
  },
};
