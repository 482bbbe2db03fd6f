// Damaged input of every kind that the object store reads. Each case must end in a typed error or a value; none may throw
// anything else, take long, need much memory or touch what lies outside.
//   node --conditions=source scripts/fuzz-ostree.ts [--count N] [--seed N] [--only TEXT] [--part I/N]
//   --count N    cases in all, spread over the kinds (default 100000)
//   --seed N     default 1
//   --only TEXT  kinds whose name contains it (comma-separated)
//   --part I/N   the I-th of N parts of the kinds
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { carryOut, fuzzTargets } from './fuzz/run.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    part: { type: 'string', default: '1/1' },
  },
});
/** Megabytes. */
const memoryAllowed = 400;

const base = mkdtempSync(join(tmpdir(), 'fuzz-ostree-'));
try {
  const all = await fuzzTargets(base);
  const scale = Number(values.count) / all.reduce((sum, target) => sum + target.share, 0);
  const words = values.only.split(',');
  const [part, of] = values.part.split('/').map(Number) as [number, number];
  const chosen = all.filter((target, i) => words.some((word) => target.name.includes(word)) && i % of === part - 1);
  let count = 0;
  let slowest = 0;
  for (const target of chosen) {
    const begun = performance.now();
    try {
      const tally = carryOut(target, Math.ceil(target.share * scale), Number(values.seed));
      count += tally.cases;
      slowest = Math.max(slowest, tally.slowest);
      const seconds = ((performance.now() - begun) / 1000).toFixed(1);
      console.log(
        `${target.name.padEnd(30)} ${String(tally.cases).padStart(6)} cases: ${tally.refused} refused, ${tally.taken} taken, slowest ${tally.slowest.toFixed(0)} ms, ${seconds} s`,
      );
    } catch (error) {
      const { message, cause } = error as Error;
      console.error(`${target.name}: ${message.slice(0, 4000)}\n${(cause as Error | undefined)?.stack ?? ''}`);
      process.exitCode = 1;
    }
  }
  const peak = process.resourceUsage().maxRSS / 1024;
  console.log(`${count} cases, slowest ${slowest.toFixed(0)} ms, peak ${peak.toFixed(0)} MB`);
  if (peak > memoryAllowed) process.exitCode = 1;
} finally {
  rmSync(base, { recursive: true, force: true });
}
