import { resolve } from 'node:path';
import { applyOffline } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';
import { signTypeOptions, verifierOf } from './sign-key-options.ts';

export const verb: OstreeVerb = {
  summary: 'Apply static delta file',
  options: () => signTypeOptions,
  run(call: OstreeCall) {
    const [path, ...keys] = call.operands;
    if (path === undefined) call.usage('PATH must be specified');
    const verifier = verifierOf(call, keys, true);
    applyOffline(call.repo, resolve(call.context.cwd, path), verifier === undefined ? undefined : [verifier]);
  },
};
