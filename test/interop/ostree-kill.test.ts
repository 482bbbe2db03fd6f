// Processes killed at seeded moments: the original finds nothing wrong with what they leave, and refs are old or new.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Repo, runFsck } from '@coppice/ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);
const points = Number(process.env['COPPICE_KILLS'] ?? 4);
const main = join(import.meta.dirname, '../../packages/coppice/src/main.ts');

/** Runs our command; kills it after a part of the time that it took before. Gives how long it ran. */
function runAndKill(args: string[], after: number | undefined): Promise<number> {
  return new Promise((done, failed) => {
    const begun = performance.now();
    const child = spawn(process.execPath, ['--conditions=source', main, 'ostree', ...args], {
      stdio: 'ignore',
      env: { ...process.env, COPPICE_COMPAT: 'ostree=2022.7' },
    });
    const timer = after === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), after);
    child.on('error', failed);
    child.on('exit', (status) => {
      clearTimeout(timer);
      if (after === undefined && status !== 0) failed(new Error(`ostree ${args.join(' ')}: exit status ${status}`));
      else done(performance.now() - begun);
    });
  });
}

describe.skipIf(skipReason !== undefined)('killed', () => {
  const { path: base, remove } = scratch();
  const before = join(base, 'before');
  const repo = join(base, 'repo');
  const tree = join(base, 'tree');
  afterAll(remove);
  beforeAll(() => {
    for (let i = 0; i < 400; i++) {
      mkdirSync(join(tree, `d${i % 20}`), { recursive: true });
      writeFileSync(join(tree, `d${i % 20}`, `f${i}`), `content ${i}`.repeat(200));
    }
    originalOutput('init', `--repo=${before}`, '--mode=archive');
    originalOutput(`--repo=${before}`, 'commit', '-b', 'main', '--timestamp=@1', tree);
    originalOutput(`--repo=${before}`, 'commit', '-b', 'gone', '--timestamp=@2', join(tree, 'd1'));
    originalOutput(`--repo=${before}`, 'refs', '--delete', 'gone');
    for (let i = 0; i < 400; i++) writeFileSync(join(tree, `d${i % 20}`, `new${i}`), `more ${i}`.repeat(300));
  });
  const fresh = (): void => {
    rmSync(repo, { recursive: true, force: true });
    cpSync(before, repo, { recursive: true, preserveTimestamps: true });
    rmSync(join(base, 'out'), { recursive: true, force: true });
  };
  const cases: Readonly<Record<string, () => string[]>> = {
    commit: () => [`--repo=${repo}`, 'commit', '-b', 'main', '--timestamp=@3', tree],
    prune: () => [`--repo=${repo}`, 'prune', '--refs-only'],
    checkout: () => [`--repo=${repo}`, 'checkout', '-U', 'main', join(base, 'out')],
  };

  test.each(Object.keys(cases))('%s', async (name) => {
    const args = cases[name]!();
    fresh();
    const old = Repo.open(repo).resolveRev('main');
    const whole = await runAndKill(args, undefined);
    const made = Repo.open(repo).resolveRev('main');
    for (let i = 1; i <= points; i++) {
      fresh();
      // The first third is start-up.
      await runAndKill(args, whole * (0.3 + (0.7 * i) / points));
      expect([old, made]).toContain(originalOutput(`--repo=${repo}`, 'rev-parse', 'main').trim());
      expect(originalOutput(`--repo=${repo}`, 'fsck', '-q')).toContain('no errors found');
      expect(runFsck(Repo.open(repo)).corrupt).toBe(false);
      if (existsSync(join(base, 'out'))) rmSync(join(base, 'out'), { recursive: true });
      await runAndKill(args, undefined);
      expect(originalOutput(`--repo=${repo}`, 'fsck', '-q')).toContain('no errors found');
    }
  });
});
