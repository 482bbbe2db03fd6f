import { resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { applyOffline } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';
import { signTypeOptions, verifierOf } from './sign-key-options.ts';

export const verb: OstreeVerb = {
  summary: 'Apply static delta file',
  options: () => signTypeOptions,
  run(call: OstreeCall) {
    const [path, ...keys] = call.operands;
    if (path === undefined) throw new CoppiceError('Usage', 'PATH must be specified');
    if (path === '') throw errnoError({ code: 'EFAULT' }, 'openat(O_DIRECTORY)');
    const verifier = verifierOf(call, keys, true);
    applyOffline(call.repo, resolve(call.context.cwd, path), verifier === undefined ? undefined : [verifier]);
  },
};
