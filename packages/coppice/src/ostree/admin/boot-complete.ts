import { existsSync } from 'node:fs';
import { bootComplete } from '@coppice/sysroot';
import type { OstreeVerb } from '../verb.ts';
import { adminVerb } from './call.ts';

/** Run by a unit of the booted system only; anywhere else there is nothing to complete, whatever the arguments. */
export const verb: OstreeVerb = {
  ...adminVerb({ superuser: true, run: ({ sysroot }) => bootComplete(sysroot) }),
  early: () => (existsSync('/run/ostree-booted') ? undefined : 0),
};
