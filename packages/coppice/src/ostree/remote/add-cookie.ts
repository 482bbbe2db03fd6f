import { addCookie, cookieOwner } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  params: 'NAME DOMAIN PATH COOKIE_NAME VALUE',
  summary: 'Add a cookie to remote',
  options: () => [],
  run(call: OstreeCall) {
    const [name, domain, path, cookie, value] = call.operands;
    if (value === undefined) call.usage('NAME, DOMAIN, PATH, COOKIE_NAME and VALUE must be specified');
    addCookie(cookieOwner(call.repo, name!), domain!, path!, cookie!, value);
  },
};
