// Start-up: each command's cheapest call against a bare start of the same Node. Aim: at most 2.5.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const runs = 15;

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

function time(command: string, args: string[]): number {
  const begun = performance.now();
  const done = spawnSync(command, args, { stdio: 'ignore' });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: exit status ${done.status}`);
  return performance.now() - begun;
}

const node = (): number => time(process.execPath, ['-e', '0']);
const rows: [string, string[]][] = [
  ['ostree', ['--version']],
  ['rpm-ostree', ['--version']],
  ['butane', ['--version']],
  ['coppice', ['--help']],
];
for (const [name, args] of rows) {
  const path = join(root, 'bin', name);
  try {
    time(path, args); // fills the compile cache
  } catch (error) {
    console.log(`${name}: ${(error as Error).message}`);
    continue;
  }
  const bare: number[] = [];
  const ours: number[] = [];
  for (let i = 0; i < runs; i++) {
    bare.push(node());
    ours.push(time(path, args));
  }
  const [b, o] = [median(bare), median(ours)];
  console.log(
    `${`${name} ${args.join(' ')}`.padEnd(24)} ${o.toFixed(0).padStart(4)} ms, bare Node ${b.toFixed(0)} ms, ratio ${(o / b).toFixed(2)}`,
  );
}
