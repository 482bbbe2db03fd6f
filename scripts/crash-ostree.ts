// Our ostree killed at many system calls, and on full file systems: the original's fsck must find everything whole.
//   node --conditions=source scripts/crash-ostree.ts [--points 200] [--full 50] [--seed 1] [--mode archive,bare-user,bare]
//     [--only commit,prune,checkout,fsck,repair,full] [--fs ext4] [--tree DIR]
// With --tree that is committed too; large enough (over 48 MiB), the points are those where a flush begun early is under way.
// Each point: fsck by both programs, nothing lost, and the same command again finishes. Needs root, strace, and a bundle:
// COPPICE_DIST, else the one that `npm run build` made.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseMode } from '@coppice/ostree';
import { type CrashCommand, killAt, makeCrashWorld, measure } from '../test/interop/ostree-crash.ts';
import { fillAt } from '../test/interop/ostree-full.ts';

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '200' },
    full: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    mode: { type: 'string', default: 'archive,bare-user,bare' },
    files: { type: 'string', default: '40' },
    only: { type: 'string', default: '' },
    fs: { type: 'string', default: 'ext4' },
    tree: { type: 'string' },
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
const wanted = (name: string): boolean =>
  values.only === '' || values.only.split(',').some((word) => name.startsWith(word));
for (const mode of values.mode.split(',').map(parseMode)) {
  const base = mkdtempSync(join(tmpdir(), 'crash-ostree-'));
  const report = (text: string, begun: number): void =>
    console.log(`${mode} ${text}, ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  try {
    const world = makeCrashWorld(base, mode, Number(values.files), command, values.tree);
    for (const one of world.cases) {
      if (!wanted(one.name)) continue;
      const begun = performance.now();
      const { calls: all, ...known } = measure(world, command, one);
      const calls = values.tree === undefined ? all : all.filter(([, , flushing]) => flushing);
      let killed = 0;
      let flushing = 0;
      let failed = 0;
      const points = Number(values.points);
      for (let i = 0; i < points; i++) {
        const at = calls[below(calls.length)]!;
        try {
          const done = killAt(world, command, one, at, known, true);
          if (done.killed) killed++;
          if (done.flushing) flushing++;
        } catch (error) {
          failed++;
          console.error(`${mode} ${one.name} killed before ${at[0]} number ${at[1]}: ${(error as Error).message}`);
        }
      }
      if (failed > 0) process.exitCode = 1;
      const beside = values.tree === undefined ? '' : ` (${flushing} during a flush)`;
      report(
        `${one.name}: ${points} points of ${calls.length} calls, ${killed} killed${beside}, ${failed} failed`,
        begun,
      );
    }
    if (wanted('full') && Number(values.full) > 0) {
      const begun = performance.now();
      const kind = values.fs === 'tmpfs' ? 'tmpfs' : 'ext4';
      const sums = fillAt(world, command, mode, Number(values.full), kind);
      const text = sums.map(({ verb, refused, done }) => `${verb} ${refused} refused, ${done} done`).join('; ');
      report(`full ${kind}, ${values.full} sizes each: ${text}; all clean`, begun);
    }
  } catch (error) {
    process.exitCode = 1;
    console.error(`${mode}: ${(error as Error).message}`);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}
