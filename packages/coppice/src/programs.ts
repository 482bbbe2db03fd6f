import type { Program } from './cli/start.ts';

/** Launcher name to its lazily loaded program. */
export const programs: Readonly<Record<string, () => Promise<Program>>> = {
  coppice: () => import('./coppice/main.ts'),
  butane: () => import('./butane/main.ts'),
  fcct: () => import('./butane/fcct.ts'),
  'ignition-validate': () => import('./ignition-validate/main.ts'),
  ostree: () => import('./ostree/main.ts'),
  'rpm-ostree': () => import('./rpm-ostree/main.ts'),
};
