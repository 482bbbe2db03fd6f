// One repository, used in turns by the original and by us; `scripts/turns-ostree.ts` takes more steps.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RepoMode } from '@coppice/ostree';
import { afterAll, describe, expect, test } from 'vitest';
import { ours, theirs } from './ostree-runners.ts';
import { scratch, skipReason } from './ostree-support.ts';
import { takeTurns } from './ostree-turns.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);
const steps = Number(process.env['COPPICE_TURNS'] ?? 25);

describe.skipIf(skipReason !== undefined)('in turns with the original', () => {
  const { path, remove } = scratch();
  afterAll(remove);
  test.each<[RepoMode, number]>([
    ['archive', 1],
    ['bare', 2],
    ['bare-user', 3],
    ['bare-user-only', 4],
  ])('%s, seed %i', async (mode, seed) => {
    const base = join(path, mode);
    mkdirSync(base);
    const calls = await takeTurns({ base, mode, seed, steps, ours, theirs });
    expect(Math.min(calls.ours, calls.theirs)).toBeGreaterThan(0);
  });
});
