import type { Context } from './cli/context.ts';

/** A program behind a launcher: arguments in, exit status out. Expected failures are thrown and printed by `main.ts` as `error: MESSAGE`. */
export interface Program {
  run(context: Context, args: readonly string[]): Promise<number> | number;
}

/** Launcher name to its lazily loaded program. */
export const programs: Readonly<Record<string, () => Promise<Program>>> = {
  coppice: () => import('./coppice/main.ts'),
  butane: () => import('./butane/main.ts'),
  fcct: () => import('./butane/fcct.ts'),
  'ignition-validate': () => import('./ignition-validate/main.ts'),
  ostree: () => import('./ostree/main.ts'),
  'rpm-ostree': () => import('./rpm-ostree/main.ts'),
};
