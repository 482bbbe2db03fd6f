import { existsSync } from 'node:fs';
import { bootComplete } from '@coppice/sysroot';
import { adminVerb } from './call.ts';

const inner = adminVerb({ superuser: true, run: ({ sysroot }) => bootComplete(sysroot) });

/** Run by a unit of the booted system only; anywhere else there is nothing to complete. */
export const verb: typeof inner = {
  ...inner,
  run: (call) => (existsSync('/run/ostree-booted') ? inner.run(call) : undefined),
};
