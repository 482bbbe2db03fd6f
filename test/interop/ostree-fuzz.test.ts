// A small part of `scripts/fuzz-ostree.ts`: damaged input of every kind that the object store reads.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { carryOut, fuzzTargets } from '../../scripts/fuzz/run.ts';

const base = mkdtempSync(join(tmpdir(), 'fuzz-ostree-'));
let targets: Awaited<ReturnType<typeof fuzzTargets>>;
beforeAll(async () => {
  targets = await fuzzTargets(base);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

test('damaged input gives a typed error or a value', () => {
  expect(targets.length).toBeGreaterThan(20);
  for (const target of targets) {
    try {
      carryOut(target, Math.ceil(target.share / 50), 11);
    } catch (error) {
      throw new Error(`${target.name}: ${(error as Error).message}`, { cause: error });
    }
  }
});
