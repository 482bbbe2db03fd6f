// Deploying and status against the original. COPPICE_BENCH_TREE names a root file system; default: one is made up.
//   deploy  ours/original, median of five, on a fresh copy of one sysroot each time
//   status  ours/bare Node's start, median of nine

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

const root = join(import.meta.dirname, '..');
const env = { ...process.env, COPPICE_COMPAT: 'ostree=2022.7', OSTREE_SYSROOT_DEBUG: 'mutable-deployments' };
const tools = { ours: join(root, 'bin/ostree'), original: 'ostree' };

function run(program: string, args: readonly string[], cwd: string): number {
  const start = performance.now();
  const result = spawnSync(program, args, { cwd, env, encoding: 'utf8' });
  const time = performance.now() - start;
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${result.stderr}`);
  return time;
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;

function makeTree(path: string): void {
  mkdirSync(join(path, 'usr/lib/modules/6.1'), { recursive: true });
  mkdirSync(join(path, 'usr/etc'), { recursive: true });
  writeFileSync(join(path, 'usr/lib/os-release'), 'ID=test\nPRETTY_NAME=Test\n');
  writeFileSync(join(path, 'usr/lib/modules/6.1/vmlinuz'), Buffer.alloc(8 << 20, 1));
  writeFileSync(join(path, 'usr/lib/modules/6.1/initramfs.img'), Buffer.alloc(24 << 20, 2));
  for (let i = 0; i < 200; i++) {
    const directory = join(path, `usr/share/d${i}`);
    mkdirSync(directory, { recursive: true });
    for (let j = 0; j < 40; j++) writeFileSync(join(directory, `f${j}`), `${i} ${j}\n`.repeat(1 + (j % 20) * 20));
  }
  for (let i = 0; i < 400; i++) writeFileSync(join(path, `usr/etc/conf${i}`), `setting=${i}\n`.repeat(20));
}

if (spawnSync('ostree', ['--version']).error !== undefined) {
  console.log('sysroot: the original ostree is not installed');
  process.exit(0);
}
const work = mkdtempSync(join(tmpdir(), 'coppice-bench-'));
try {
  let tree = process.env['COPPICE_BENCH_TREE'];
  if (tree === undefined) {
    tree = join(work, 'tree');
    makeTree(tree);
  }
  mkdirSync(join(work, 'base'));
  for (const args of [
    ['admin', 'init-fs', 'base'],
    ['admin', 'os-init', '--sysroot=base', 'os'],
    ['commit', '--repo=base/ostree/repo', '-b', 'one', '-s', '1', `--tree=dir=${tree}`],
    ['commit', '--repo=base/ostree/repo', '-b', 'two', '-s', '2', '--tree=ref=one', '--add-metadata-string=version=2'],
    ['admin', 'deploy', '--sysroot=base', '--os=os', 'one'],
  ])
    run(tools.original, args, work);
  const times: Record<keyof typeof tools, number[]> = { ours: [], original: [] };
  for (let i = 0; i < 6; i++) {
    for (const name of ['original', 'ours'] as const) {
      spawnSync('cp', ['-a', 'base', 's'], { cwd: work });
      spawnSync('sync', ['-f', work]);
      const time = run(tools[name], ['admin', 'deploy', '--sysroot=s', '--os=os', 'two'], work);
      if (i > 0) times[name].push(time);
      rmSync(join(work, 's'), { recursive: true });
    }
  }
  const [ours, original] = [median(times.ours), median(times.original)];
  console.log(
    `deploy: ours ${ours.toFixed(0)} ms, original ${original.toFixed(0)} ms, ratio ${(ours / original).toFixed(2)} (target 1.2)`,
  );
  const status: number[] = [];
  const bare: number[] = [];
  for (let i = 0; i < 9; i++) {
    status.push(run(tools.ours, ['admin', 'status', '--sysroot=base'], work));
    bare.push(run(process.execPath, ['-e', '0'], work));
  }
  const [s, b] = [median(status), median(bare)];
  console.log(
    `status: ours ${s.toFixed(0)} ms, bare Node ${b.toFixed(0)} ms, ratio ${(s / b).toFixed(2)} (target 2.5)`,
  );
} finally {
  rmSync(work, { recursive: true, force: true });
}
