// A fixed sample of Debian's own suite of ostree against our command; the whole runs by `npm run suite:ostree`.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../scripts/build.ts';
import { runScript, suiteFolder } from '../../scripts/suite/run-script.ts';

const root = join(import.meta.dirname, '../..');

/** Script, and the assertions that it makes for the original. */
const sample: readonly (readonly [script: string, assertions: number])[] = [
  ['test-archivez.sh', 13],
  ['test-basic-bare-split-xattrs.sh', 5],
  ['test-basic-root.sh', 1],
  ['test-cli-extensions.sh', 2],
  ['test-commit-timestamp.sh', 2],
  ['test-concurrency.py', 2],
  ['test-config.sh', 3],
  ['test-export.sh', 5],
  ['test-fsck-delete.sh', 6],
  ['test-libarchive.sh', 18],
  ['test-oldstyle-partial.sh', 1],
  ['test-parent.sh', 2],
  ['test-refs.sh', 7],
  ['test-reset-nonlinear.sh', 1],
  ['test-xattrs.sh', 2],
];

if (!existsSync(suiteFolder) && process.env['CI'] === 'true') throw new Error("Debian's ostree-tests are missing");

describe.skipIf(!existsSync(suiteFolder))("Debian's ostree-tests (skipped where they are not installed)", () => {
  let dist: string;
  beforeAll(async () => {
    // Below the repository, so that the bundle finds the packages that are not part of it.
    dist = mkdtempSync(join(root, 'node_modules', '.suite-ostree-'));
    await bundle(dist);
  });
  afterAll(() => rmSync(dist, { recursive: true, force: true }));

  it.each(sample)('%s: %i assertions', async (script, assertions) => {
    const run = await runScript(script, {
      bin: join(root, 'bin'),
      env: { COPPICE_DIST: dist, COPPICE_COMPAT: 'ostree=2022.7' },
      timeoutSeconds: 800,
    });
    expect(run.passed ? run.tap.ok : run.log).toBe(assertions);
  });
});
