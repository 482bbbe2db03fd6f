// npm test: builds, then runs every test (or those whose files match the given filters) and sums up by kind and by suite.
//   npm test -- --project unit packages/rpm
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildAll } from './build.ts';

const root = join(import.meta.dirname, '..');
await buildAll();

const shared = process.env['COPPICE_SHARED'] ?? resolve(root, '../shared');
if (!existsSync(shared))
  console.log(
    `note: ${shared} is absent; tests that read real inputs from there are skipped (COPPICE_SHARED names another folder)`,
  );
const done = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    `--reporter=${join(root, 'scripts/reporter.ts')}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, COPPICE_SHARED: shared } },
);
process.exitCode = done.status ?? 1;
