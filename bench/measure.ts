// What the benches of bin/ostree share: paired runs against the original, with wall and processor time and peak memory.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installedEnvironment } from './installed.ts';

export type Side = 'original' | 'ours';

export const programs: Readonly<Record<Side, string>> = {
  original: 'ostree',
  ours: join(import.meta.dirname, '../bin/ostree'),
};

interface Run {
  readonly seconds: number;
  /** Processor seconds, all threads. */
  readonly cpu: number;
  /** Peak resident MiB. */
  readonly memory: number;
}

const env: NodeJS.ProcessEnv = { ...installedEnvironment(), COPPICE_COMPAT: 'ostree=2022.7' };

/** A folder for one bench, removed when the process ends. */
export const base: string = mkdtempSync(join(tmpdir(), 'ostree-bench-'));
/**
 * On ext4 a directory goes where its parent is, and one without a journal looks at each inode that anyone freed there within
 * minutes before it takes one: with this each repository gets a part of the disk of its own. Elsewhere it fails or means nothing.
 */
const onExt4 = spawnSync('stat', ['-f', '-c', '%T', base], { encoding: 'utf8' }).stdout?.startsWith('ext') === true;
if (onExt4) spawnSync('chattr', ['+T', base], { stdio: 'ignore' });
const discarded: string[] = [];
process.on('exit', () => {
  for (const path of [base, ...discarded]) rmSync(path, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

/**
 * Gets a tree out of the way. On ext4 it is not deleted before the end: every file that is created within minutes of many
 * deletions looks at each inode that was freed, which can cost more than all else that is measured. Elsewhere the room counts.
 */
export function discard(path: string): void {
  if (!existsSync(path)) return;
  if (!onExt4) {
    rmSync(path, { recursive: true });
    return;
  }
  const old = `${path}.old${discarded.length}`;
  renameSync(path, old);
  discarded.push(old);
}

/** The shell's clock, because GNU time's goes by hundredths of a second, a sixth of what a small verb takes. */
const script = `TIMEFORMAT='%3R %3U %3S'; { time /usr/bin/time -o "$0.peak" -f %M "$@" 2>&3; } 3>&2 2>"$0"`;

/** Wall, user and system seconds as bash has them, with the peak in KiB by GNU time, whose own millisecond both sides pay. */
function measure(side: Side, args: readonly string[]): Run {
  const out = join(base, 'time');
  const done = spawnSync('bash', ['-c', script, out, programs[side], ...args], {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 30,
  });
  if (done.error !== undefined) throw new Error('this needs bash and GNU time (/usr/bin/time)');
  if (done.status !== 0) throw new Error(`${programs[side]} ${args.join(' ')}: ${done.stderr}`);
  const [wall = 0, user = 0, system = 0] = readFileSync(out, 'utf8').trim().split(' ').map(Number);
  const peak = Number(readFileSync(`${out}.peak`, 'utf8'));
  return { seconds: Math.max(wall, 0.001), cpu: Math.max(user + system, 0.001), memory: peak / 1024 };
}

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[list.length >> 1]!;
}

export interface BenchSettings {
  /** Pairs. */
  readonly runs: number;
  /** Cases whose name does not contain it are left out. */
  readonly only: string;
}

/** One case: `before` runs untimed for each side, then the timed command. Prints the median ratio ours/original. */
export function bench(
  name: string,
  limit: number,
  args: (side: Side) => readonly string[],
  before: (side: Side) => void,
  { runs, only }: BenchSettings,
): void {
  if (!name.includes(only)) return;
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
      pair[side] = measure(side, args(side));
      result[side].push(pair[side]);
    }
    ratios.push(pair.ours.seconds / pair.original.seconds);
    cpus.push(pair.ours.cpu / pair.original.cpu);
  }
  const ratio = median(ratios);
  const time = (side: Side): string => `${median(result[side].map((r) => r.seconds)).toFixed(3)} s`;
  const peak = Math.max(...result.ours.map((r) => r.memory)).toFixed(0);
  const verdict = ratio <= limit ? 'ok' : 'OVER';
  console.log(
    `${name.padEnd(38)} ${ratio.toFixed(2)} (aim ${limit}) ${verdict.padEnd(4)} cpu ${median(cpus).toFixed(2)}  ${time('original')} -> ${time('ours')}  peak ${peak} MiB`,
  );
}
