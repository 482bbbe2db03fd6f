// npm run bench: ratios against the original tools, same machine, same run. `npm run bench -- start ostree` runs some.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildAll } from './build.ts';

const root = join(import.meta.dirname, '..');
const all = globSync('bench/*.ts', { cwd: root })
  .map((file) => basename(file, '.ts'))
  .filter((name) => !name.startsWith('_'))
  .sort();
const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (!existsSync(join(root, 'bench', `${name}.ts`))) {
    console.error(`error: no bench named ${name}; one of ${all.join(', ')}`);
    process.exit(2);
  }
}
await buildAll();
for (const name of wanted.length > 0 ? wanted : all) {
  console.log(`\n== ${name}`);
  const done = spawnSync(process.execPath, ['--conditions=source', join(root, 'bench', `${name}.ts`)], {
    cwd: root,
    stdio: 'inherit',
  });
  if (done.status !== 0) process.exitCode = 1;
}
