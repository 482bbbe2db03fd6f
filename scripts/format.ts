// npm run format: biome's fixes and formatting, over everything or the given paths.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const paths = process.argv.slice(2);
const done = spawnSync(
  join(root, 'node_modules/.bin/biome'),
  ['check', '--write', ...(paths.length > 0 ? paths : ['.'])],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
process.exitCode = done.status ?? 1;
