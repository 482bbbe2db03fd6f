// One repository used in turns by the original and by ours, many steps: node --conditions=source scripts/turns-ostree.ts
//   [--steps 200] [--seeds 1,2,3] [--modes archive,bare-user,bare]   the modes go with the seeds in turn
// OSTREE_JUDGE names another original, e.g. of release 2026.4; ours is then at that level.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseMode } from '@coppice/ostree';
import { ours, theirs } from '../test/interop/ostree-runners.ts';
import { takeTurns } from '../test/interop/ostree-turns.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '200' },
    seeds: { type: 'string', default: '1,2,3' },
    modes: { type: 'string', default: 'archive,bare-user,bare' },
  },
});
const modes = values.modes.split(',').map(parseMode);
for (const [i, text] of values.seeds.split(',').entries()) {
  const base = mkdtempSync(join(tmpdir(), 'turns-ostree-'));
  const mode = modes[i % modes.length]!;
  const begun = performance.now();
  try {
    const steps = Number(values.steps);
    const calls = await takeTurns({ base, mode, seed: Number(text), steps, ours, theirs });
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    console.log(
      `${mode}, seed ${text}: ${steps} steps, ${calls.ours} changes by ours, ${calls.theirs} by the original, every fsck clean, ${seconds} s`,
    );
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}
