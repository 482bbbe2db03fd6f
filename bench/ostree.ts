// The heavy verbs of bin/ostree against the original: median ratios over paired runs, with peak memory.
//   --tree DIR    a real tree, such as debootstrap makes (default: one is made from /usr/share and /usr/lib, 9,000 files)
//   --files N     size of the tree of small files (default 100,000; 0 leaves it out)
//   --runs N      pairs (default 5)
//   --only WORD   cases whose name contains it
//   --barriers    count sync calls of a commit with strace instead
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    tree: { type: 'string' },
    files: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    barriers: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const root = join(import.meta.dirname, '..');
const programs = { original: 'ostree', ours: join(root, 'bin/ostree') } as const;
type Side = keyof typeof programs;
const base = mkdtempSync(join(tmpdir(), 'ostree-bench-'));
process.on('exit', () => rmSync(base, { recursive: true, force: true }));

interface Run {
  readonly seconds: number;
  /** Processor seconds, all threads. */
  readonly cpu: number;
  /** Peak resident MiB. */
  readonly memory: number;
}

/** GNU time measures; it prints wall, user, system seconds and the peak in KiB. */
function measure(command: string, args: string[]): Run {
  const out = join(base, 'time');
  const env = { ...process.env, COPPICE_COMPAT: 'ostree=2022.7' };
  const done = spawnSync('/usr/bin/time', ['-o', out, '-f', '%e %U %S %M', command, ...args], {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 30,
  });
  if (done.error !== undefined) throw new Error('this needs GNU time (/usr/bin/time)');
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr}`);
  const [wall, user, system, peak] = readFileSync(out, 'utf8').trim().split(' ').map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return { seconds: Math.max(wall, 0.01), cpu: Math.max(user + system, 0.01), memory: peak / 1024 };
}

function median(list: number[]): number {
  return [...list].sort((a, b) => a - b)[list.length >> 1]!;
}

const repoOf = (side: Side): string => join(base, `repo-${side}`);

/** One case: `before` runs untimed for each side, then the timed command. */
function bench(name: string, limit: number, args: (repo: string) => string[], before: (side: Side) => void): void {
  if (!name.includes(values.only)) return;
  const ratios: number[] = [];
  const cpus: number[] = [];
  const result: Record<Side, Run[]> = { original: [], ours: [] };
  for (let i = 0; i < runs; i++) {
    // Alternating, so that neither always has the warmer cache.
    const order: Side[] = i % 2 === 0 ? ['original', 'ours'] : ['ours', 'original'];
    const pair = {} as Record<Side, Run>;
    for (const side of order) {
      before(side);
      spawnSync('sync');
      pair[side] = measure(programs[side], [`--repo=${repoOf(side)}`, ...args(repoOf(side))]);
      result[side].push(pair[side]);
    }
    ratios.push(pair.ours.seconds / pair.original.seconds);
    cpus.push(pair.ours.cpu / pair.original.cpu);
  }
  const ratio = median(ratios);
  const time = (side: Side): string => `${median(result[side].map((r) => r.seconds)).toFixed(2)} s`;
  const peak = Math.max(...result.ours.map((r) => r.memory)).toFixed(0);
  const verdict = ratio <= limit ? 'ok' : 'OVER';
  console.log(
    `${name.padEnd(34)} ${ratio.toFixed(2)} (aim ${limit}) ${verdict.padEnd(4)} cpu ${median(cpus).toFixed(2)}  ${time('original')} -> ${time('ours')}  peak ${peak} MiB`,
  );
}

function fresh(side: Side, mode: string): void {
  rmSync(repoOf(side), { recursive: true, force: true });
  spawnSync(programs.original, ['init', `--repo=${repoOf(side)}`, `--mode=${mode}`]);
}

function filled(side: Side, mode: string, tree: string): void {
  fresh(side, mode);
  spawnSync(programs.original, [`--repo=${repoOf(side)}`, 'commit', '-b', 'main', '--timestamp=@1', tree]);
}

/** Repositories are filled once for cases that only read. */
function kept(mode: string, tree: string): (side: Side) => void {
  const done = new Set<Side>();
  return (side) => {
    if (!done.has(side)) filled(side, mode, tree);
    done.add(side);
    rmSync(join(base, 'out'), { recursive: true, force: true });
  };
}

function realTree(): string {
  if (values.tree !== undefined) return values.tree;
  const out = join(base, 'tree');
  mkdirSync(out);
  let files = 0;
  for (const from of ['/usr/share', '/usr/lib']) {
    for (const name of readdirSync(from)) {
      if (files > 9000) break;
      const source = join(from, name);
      if (!lstatSync(source).isDirectory()) continue;
      const target = join(out, from, name);
      mkdirSync(join(target, '..'), { recursive: true });
      cpSync(source, target, { recursive: true, verbatimSymlinks: true });
      files += Number(spawnSync('sh', ['-c', 'find "$0" | wc -l', target], { encoding: 'utf8' }).stdout);
    }
  }
  return out;
}

function smallFiles(count: number): string {
  const out = join(base, 'small');
  for (let i = 0; i < count; i++) {
    const folder = join(out, `d${Math.floor(i / 1000)}`, `e${Math.floor(i / 100) % 10}`);
    if (i % 100 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `f${i % 100}`), `small file number ${i}\n${'x'.repeat(i % 300)}`);
  }
  return out;
}

function casesOn(label: string, tree: string): void {
  const commit = (): string[] => ['commit', '-b', 'main', tree];
  bench(`${label} commit bare`, 0.5, commit, (side) => fresh(side, 'bare'));
  bench(`${label} commit bare-user`, 0.5, commit, (side) => fresh(side, 'bare-user'));
  bench(`${label} commit archive`, 0.35, commit, (side) => fresh(side, 'archive'));
  bench(`${label} commit again bare`, 0.5, commit, kept('bare', tree));
  bench(`${label} commit again archive`, 0.1, commit, kept('archive', tree));
  bench(`${label} fsck bare`, 0.3, () => ['fsck', '-q'], kept('bare', tree));
  bench(`${label} fsck archive`, 0.45, () => ['fsck', '-q'], kept('archive', tree));
  const checkout = (): string[] => ['checkout', 'main', join(base, 'out')];
  bench(`${label} checkout links`, 1.5, checkout, kept('bare', tree));
  bench(`${label} checkout archive`, 0.5, checkout, kept('archive', tree));
  bench(`${label} ls -R`, 1, () => ['ls', '-R', 'main'], kept('bare', tree));
  bench(`${label} prune`, 0.7, () => ['prune', '--refs-only'], kept('bare', tree));
  const archive = join(base, 'tree.tar');
  const packed = (side: Side): void => {
    if (!existsSync(archive)) spawnSync('tar', ['-C', tree, '--xattrs', '-cf', archive, '.']);
    fresh(side, 'bare');
  };
  bench(`${label} import tar`, 0.6, () => ['commit', '-b', 'main', `--tree=tar=${archive}`], packed);
  rmSync(archive, { force: true });
}

/** Sync calls before the ref appears, which must not be fewer than the original's. */
function barriers(tree: string): void {
  for (const side of ['original', 'ours'] as const) {
    fresh(side, 'bare');
    const log = join(base, 'strace');
    const calls = 'syncfs,fsync,fdatasync,sync,renameat,renameat2,rename';
    const args = ['-f', '-y', '-o', log, '-e', `trace=${calls}`, programs[side]];
    spawnSync('strace', [...args, `--repo=${repoOf(side)}`, 'commit', '-b', 'main', tree]);
    const lines = readFileSync(log, 'utf8').split('\n');
    const ref = lines.findIndex((line) => /rename/.test(line) && /refs\/heads|"main"/.test(line));
    const before = ref < 0 ? lines : lines.slice(0, ref);
    const count = (name: string): number => before.filter((line) => line.includes(`${name}(`)).length;
    console.log(
      `${side}: syncfs ${count('syncfs')}, fsync ${count(' fsync')}, fdatasync ${count('fdatasync')} before the ref`,
    );
  }
}

const tree = realTree();
if (values.barriers) barriers(tree);
else {
  casesOn('tree', tree);
  const count = Number(values.files);
  if (count > 0) casesOn(`${count} files`, smallFiles(count));
}
