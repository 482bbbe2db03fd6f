// Our ostree killed at many system calls, and on full file systems: the original's fsck must find everything whole.
//   node --conditions=source scripts/crash-ostree.ts [--points 200] [--full 50] [--seed 1] [--mode archive] [--only commit,prune]
// Needs root, strace, and a bundle: COPPICE_DIST, else the one that `npm run build` made.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CrashCommand, fillAt, killAt, makeCrashWorld, measure } from '../test/interop/ostree-crash.ts';

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '200' },
    full: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    mode: { type: 'string', default: 'archive' },
    files: { type: 'string', default: '40' },
    only: { type: 'string', default: '' },
  },
});
const root = join(import.meta.dirname, '..');
const command: CrashCommand = {
  program: [join(root, 'bin/coppice')],
  env: { ...process.env, COPPICE_COMPAT: 'ostree=2022.7', COPPICE_DIST: process.env['COPPICE_DIST'] },
};
let state = Number(values.seed);
const below = (n: number): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};
const base = mkdtempSync(join(tmpdir(), 'crash-ostree-'));
const wanted = (name: string): boolean =>
  values.only === '' || values.only.split(',').some((word) => name.startsWith(word));
try {
  const world = makeCrashWorld(base, values.mode === 'bare-user' ? 'bare-user' : 'archive', Number(values.files));
  for (const one of world.cases) {
    if (!wanted(one.name)) continue;
    const begun = performance.now();
    const { calls, ...known } = measure(world, command, one);
    let killed = 0;
    let failed = 0;
    const points = Number(values.points);
    for (let i = 0; i < points; i++) {
      const at = calls[below(calls.length)]!;
      try {
        if (killAt(world, command, one, at, known, i % 5 === 0)) killed++;
      } catch (error) {
        failed++;
        console.error(`${one.name} killed before ${at[0]} number ${at[1]}: ${(error as Error).message}`);
      }
    }
    if (failed > 0) process.exitCode = 1;
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    console.log(
      `${values.mode} ${one.name}: ${points} points of ${calls.length} calls, ${killed} killed, ${failed} failed, ${seconds} s`,
    );
  }
  if (wanted('full') && Number(values.full) > 0) {
    const { refused, done } = fillAt(world, command, Number(values.full));
    console.log(`${values.mode} full: ${values.full} sizes, ${refused} commits refused, ${done} done, all clean`);
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
