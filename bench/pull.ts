// Moving commits with bin/ostree against the original: median ratios over paired runs, with peak memory.
//   --world DIR   keep the repositories there and use them again
//   --tree DIR    a real tree (default: the pair of test/judges/update-pair.sh, else one made of what is installed)
//   --files N     size of the tree of small files (default 100,000; 0 leaves it out)
//   --runs N      pairs (default 5)
//   --only WORD   cases whose name contains it
//   --httpd       the original's test server instead of nginx
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { base, bench, discard, type Side } from './measure.ts';
import { makeWorld, nginx, ostree, trivialHttpd } from './pull-world.ts';

const { values } = parseArgs({
  options: {
    world: { type: 'string' },
    tree: { type: 'string' },
    files: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    httpd: { type: 'boolean', default: false },
  },
});
const settings = { runs: Number(values.runs), only: values.only };

const world = makeWorld(values.world ?? join(base, 'world'), { tree: values.tree, files: Number(values.files) });
const { archive, bare, from, to, refs } = world;
// On the file system of the repositories, so that objects can be linked.
const target = join(values.world ?? base, 'target');
process.on('exit', () => rmSync(target, { recursive: true, force: true }));
const server = values.httpd ? undefined : await nginx(base, archive);
const url = server?.url ?? trivialHttpd(base, archive);
process.on('exit', () => server?.stop());
console.log(`trees: ${world.trees}; server: ${server === undefined ? 'ostree-trivial-httpd' : 'nginx'}`);

function fresh(mode: string, origin?: string): void {
  discard(target);
  ostree('init', `--repo=${target}`, `--mode=${mode}`);
  if (origin !== undefined) ostree(`--repo=${target}`, 'remote', 'add', '--no-sign-verify', 'origin', origin);
}

for (const ref of refs) {
  bench(
    `pull archive to bare-user, ${ref}`,
    0.7,
    () => [`--repo=${target}`, 'pull', '--disable-static-deltas', 'origin', ref],
    () => fresh('bare-user', url),
    settings,
  );
  bench(
    `pull-local bare to bare, ${ref}`,
    0.8,
    () => [`--repo=${target}`, 'pull-local', bare, ref],
    () => fresh('bare'),
    settings,
  );
}

const deltaDir = (side: Side): string => join(base, `delta-${side}`);
bench(
  'generate delta',
  0.6,
  (side) => [
    `--repo=${archive}`,
    'static-delta',
    'generate',
    `--from=${from}`,
    `--to=${to}`,
    `--filename=${join(deltaDir(side), 'superblock')}`,
  ],
  (side) => {
    discard(deltaDir(side));
    mkdirSync(deltaDir(side));
  },
  settings,
);
if ('generate delta'.includes(values.only)) {
  const sizeOf = (side: Side): number =>
    readdirSync(deltaDir(side)).reduce((sum, name) => sum + statSync(join(deltaDir(side), name)).size, 0);
  const [original, ours] = [sizeOf('original'), sizeOf('ours')];
  console.log(
    `${'size of the delta'.padEnd(38)} ${(ours / original).toFixed(3)} (aim 1.02)  ${original} -> ${ours} bytes`,
  );
}
bench(
  'pull with delta',
  0.8,
  () => [`--repo=${target}`, 'pull', '--require-static-deltas', 'origin', 'new'],
  () => {
    fresh('bare-user', url);
    ostree(`--repo=${target}`, 'pull-local', archive, 'real');
    ostree(`--repo=${target}`, 'refs', '--create=origin:new', 'real');
    ostree(`--repo=${target}`, 'refs', '--delete', 'real');
  },
  settings,
);
process.exit(0);
