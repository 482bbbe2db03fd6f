// Our command killed at a few system calls, and on full file systems; `scripts/crash-ostree.ts` does it at hundreds.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '../../scripts/build.ts';
import { type CrashCommand, type CrashWorld, killAt, makeCrashWorld, measure } from './ostree-crash.ts';
import { fillAt } from './ostree-full.ts';
import { scratch, skipReason } from './ostree-support.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);
const points = Number(process.env['COPPICE_KILLS'] ?? 3);
const root = join(import.meta.dirname, '../..');

describe.skipIf(skipReason !== undefined)(`cut off ${skipReason ?? ''}`, () => {
  const { path: base, remove } = scratch();
  // Below the repository, so that the bundle finds the packages that are not part of it.
  const dist = join(root, 'node_modules', `.kill-${process.pid}`);
  const command: CrashCommand = {
    program: [join(root, 'bin/coppice')],
    env: { ...process.env, COPPICE_COMPAT: 'ostree=2022.7', COPPICE_DIST: dist },
  };
  let world: CrashWorld;
  beforeAll(async () => {
    await bundle(dist);
    world = makeCrashWorld(base, 'archive', 20, command);
  });
  afterAll(() => {
    spawnSync('rm', ['-rf', dist]);
    remove();
  });

  test.each(['commit', 'prune', 'checkout', 'fsck --delete', 'repair'])('%s, killed', (name) => {
    const one = world.cases.find((found) => found.name === name)!;
    const { calls, ...known } = measure(world, command, one);
    expect(calls.length).toBeGreaterThan(20);
    for (let i = 1; i <= points; i++) {
      const at = calls[Math.floor((calls.length * i) / (points + 1))]!;
      expect(killAt(world, command, one, at, known, i === points).killed).toBe(true);
    }
  });

  test('without space', () => {
    const probe = join(base, 'probe');
    mkdirSync(probe);
    const mountable = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', probe]).status === 0;
    if (!mountable) {
      console.warn('skipped: no tmpfs can be mounted here');
      return;
    }
    spawnSync('umount', [probe]);
    for (const { verb, refused } of fillAt(world, command, 'archive', 2))
      expect([verb, refused > 0]).toEqual([verb, verb !== 'prune']);
  });
});
