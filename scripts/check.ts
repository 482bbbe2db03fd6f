// npm run check: types, biome, and the rules of the house (floors, declared imports, file sizes).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { houseFaults } from './house.ts';

const root = join(import.meta.dirname, '..');
let failed = false;
for (const [command, args] of [
  ['tsc', ['--noEmit', '-p', '.']],
  ['biome', ['check', '--error-on-warnings', '--max-diagnostics=50', '.']],
] as const) {
  const done = spawnSync(join(root, 'node_modules/.bin', command), args, { cwd: root, stdio: 'inherit' });
  if (done.status !== 0) failed = true;
}
for (const fault of houseFaults(root)) {
  console.error(fault);
  failed = true;
}
console.log(failed ? 'check: failed' : 'check: ok');
process.exitCode = failed ? 1 : 0;
