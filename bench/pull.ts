// Moving commits with bin/ostree against the original: median ratios over paired runs, with peak memory.
//   --world DIR   keep the repositories there and use them again
//   --tree DIR    a real tree (default: the pair of test/judges/update-pair.sh, else one made of what is installed)
//   --files N     size of the tree of small files (default 100,000; 0 leaves it out)
//   --runs N      pairs (default 5)
//   --only WORD   cases whose name contains it
//   --httpd       the original's test server instead of nginx
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
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
const runs = Number(values.runs);
const programs = { original: 'ostree', ours: join(import.meta.dirname, '..', 'bin/ostree') } as const;
type Side = keyof typeof programs;
const base = mkdtempSync(join(tmpdir(), 'pull-bench-'));
process.on('exit', () => rmSync(base, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

interface Run {
  readonly seconds: number;
  /** Peak resident MiB. */
  readonly memory: number;
}

function measure(side: Side, args: string[]): Run {
  const out = join(base, 'time');
  const env = { ...process.env, COPPICE_COMPAT: 'ostree=2022.7' };
  const done = spawnSync('/usr/bin/time', ['-o', out, '-f', '%e %M', programs[side], ...args], {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 30,
  });
  if (done.error !== undefined) throw new Error('this needs GNU time (/usr/bin/time)');
  if (done.status !== 0) throw new Error(`${side} ${args.join(' ')}: ${done.stderr}`);
  const [wall, peak] = readFileSync(out, 'utf8').trim().split(' ').map(Number) as [number, number];
  return { seconds: Math.max(wall, 0.01), memory: peak / 1024 };
}

const median = (list: number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;

/** One case: `before` runs untimed for each side, then the timed command. */
function bench(name: string, limit: number, args: (side: Side) => string[], before: (side: Side) => void): void {
  if (!name.includes(values.only)) return;
  const ratios: number[] = [];
  const result: Record<Side, Run[]> = { original: [], ours: [] };
  for (let i = 0; i < runs; i++) {
    const order: Side[] = i % 2 === 0 ? ['original', 'ours'] : ['ours', 'original'];
    const pair = {} as Record<Side, Run>;
    for (const side of order) {
      before(side);
      spawnSync('sync');
      pair[side] = measure(side, args(side));
      result[side].push(pair[side]);
    }
    ratios.push(pair.ours.seconds / pair.original.seconds);
  }
  const ratio = median(ratios);
  const time = (side: Side): string => `${median(result[side].map((r) => r.seconds)).toFixed(2)} s`;
  const peak = Math.max(...result.ours.map((r) => r.memory)).toFixed(0);
  const verdict = ratio <= limit ? 'ok' : 'OVER';
  console.log(
    `${name.padEnd(38)} ${ratio.toFixed(2)} (aim ${limit}) ${verdict.padEnd(4)} ${time('original')} -> ${time('ours')}  peak ${peak} MiB`,
  );
}

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
  rmSync(target, { recursive: true, force: true });
  ostree('init', `--repo=${target}`, `--mode=${mode}`);
  if (origin !== undefined) ostree(`--repo=${target}`, 'remote', 'add', '--no-sign-verify', 'origin', origin);
}

for (const ref of refs) {
  bench(
    `pull archive to bare-user, ${ref}`,
    0.7,
    () => [`--repo=${target}`, 'pull', '--disable-static-deltas', 'origin', ref],
    () => fresh('bare-user', url),
  );
  bench(
    `pull-local bare to bare, ${ref}`,
    0.8,
    () => [`--repo=${target}`, 'pull-local', bare, ref],
    () => fresh('bare'),
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
    rmSync(deltaDir(side), { recursive: true, force: true });
    mkdirSync(deltaDir(side));
  },
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
);
process.exit(0);
