// RPM against the originals: createrepo_c, dnf, rpm2cpio | cpio. Medians of paired runs, ours/original.
//   node --conditions=source bench/rpm.ts [--dist DIR] [--runs N] [--packages N] [--universe N] [--only createrepo,unpack,universe]
// DIR is a bundle (scripts/build.ts --outdir DIR); without it the sources run, which start slower.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPackage } from '@coppice/rpm';
import { debianBase } from '../test/judges/debian-base.ts';
import { debianRpms } from '../test/judges/debian-rpms.ts';
import { writeUniverse } from './rpm-universe.ts';

const { values } = parseArgs({
  options: {
    dist: { type: 'string' },
    runs: { type: 'string', default: '5' },
    packages: { type: 'string', default: '300' },
    universe: { type: 'string', default: '60000' },
    folder: { type: 'string' },
    only: { type: 'string' },
  },
});
const root = join(import.meta.dirname, '..');
const work = mkdtempSync(join(tmpdir(), 'coppice-bench-'));
const coppice = join(root, 'bin/coppice');
const ourEnvironment = values.dist === undefined ? { COPPICE_SOURCE: '1' } : { COPPICE_DIST: resolve(values.dist) };

/** Wall seconds of a command. */
function run(command: string, args: readonly string[]): number {
  const start = process.hrtime.bigint();
  const done = spawnSync(command, args, {
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C', ...ourEnvironment },
  });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  // dnf --assumeno ends with 1 by design.
  if (done.status !== 0 && !(command === 'dnf' && done.status === 1))
    throw new Error(`${command} ${args.join(' ')}: ${done.stderr}`);
  return seconds;
}

const ours = (...args: readonly string[]): number => run(coppice, args);
const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;

function compare(what: string, mine: () => number, theirs: () => number, target: number): void {
  const pairs = Array.from({ length: Number(values.runs) }, () => [mine(), theirs()] as const);
  const [a, b] = [median(pairs.map((p) => p[0])), median(pairs.map((p) => p[1]))];
  process.stdout.write(
    `${what.padEnd(60)} ${a.toFixed(3)} s / ${b.toFixed(3)} s = ${(a / b).toFixed(2)} (target ${target})\n`,
  );
}

function createrepo(): void {
  const count = Number(values.packages);
  const small = debianRpms(count, ...(values.folder === undefined ? [] : [values.folder]));
  createrepoOf('small', small);
  const real = realPackages(small, count);
  if (real === undefined) process.stdout.write('(no packages of real sizes: test/judges/debian-base.ts makes them)\n');
  else createrepoOf('of real sizes', real);
}

/** A system's packages, a kernel and compilers' libraries among them, with small ones up to `count`. */
function realPackages(small: readonly string[], count: number): string[] | undefined {
  const base = debianBase();
  if (base === undefined) return undefined;
  const files = ['base', 'layers'].flatMap((folder) =>
    readdirSync(join(base, folder))
      .sort()
      .map((name) => join(base, folder, name)),
  );
  const names = new Set(files.map((file) => basename(file)));
  return [...files, ...small.filter((file) => !names.has(basename(file)))].slice(0, count);
}

function createrepoOf(what: string, files: readonly string[]): void {
  const dirs = ['ours', 'theirs'].map((name) => join(work, `${name}-${what.replaceAll(' ', '-')}`)) as [string, string];
  for (const dir of dirs) {
    mkdirSync(dir);
    for (const file of files) copyFileSync(file, join(dir, basename(file)));
  }
  const megabytes = files.reduce((n, file) => n + statSync(file).size, 0) / 1e6;
  const clean = (dir: string): void => rmSync(join(dir, 'repodata'), { recursive: true, force: true });
  compare(
    `createrepo, ${files.length} packages ${what}, ${megabytes.toFixed(0)} MB`,
    () => {
      clean(dirs[0]);
      return ours('repo', 'create', '--no-database', dirs[0]);
    },
    () => {
      clean(dirs[1]);
      return run('createrepo_c', ['-q', '--no-database', dirs[1]]);
    },
    1.0,
  );
}

function universe(): void {
  const dir = join(work, 'universe');
  const count = Number(values.universe);
  writeUniverse(dir, count);
  const subject = `pkg${count - 3}`;
  const cache = join(work, 'cache');
  const dnfCache = join(work, 'dnf-cache');
  const dnf = (): number =>
    run('dnf', [
      '-q',
      '--assumeno',
      `--repofrompath=x,file://${dir}`,
      '--repo=x',
      '--setopt=x.gpgcheck=0',
      '--setopt=reposdir=/nonexistent',
      `--setopt=cachedir=${dnfCache}`,
      '--releasever=1',
      `--installroot=${join(work, 'root')}`,
      'install',
      subject,
    ]);
  const solve = (): number => ours('repo', 'depsolve', '--repo', `x=${dir}`, '--cache', cache, subject);
  compare(
    `load ${count} packages and solve, cold`,
    () => {
      rmSync(cache, { recursive: true, force: true });
      return solve();
    },
    () => {
      rmSync(dnfCache, { recursive: true, force: true });
      return dnf();
    },
    1.5,
  );
  compare(`load ${count} packages and solve, cached`, solve, dnf, 1.0);
}

function unpack(): void {
  // Content that packs about as programs do: random words with repeats.
  const words = Array.from({ length: 5000 }, () => randomBytes(6).toString('hex'));
  const files = Array.from({ length: 200 }, (_, i) => {
    const content = Array.from(
      { length: 87_000 },
      (_, k) => words[(k * 7919 + i * 104729 + ((k * k) % 977)) % 5000]!,
    ).join(' ');
    return { path: `/usr/share/bench/file${i}`, content };
  });
  const built = buildPackage({
    name: 'bench',
    version: '1',
    release: '1',
    arch: 'noarch',
    summary: 'Bench',
    license: 'MIT',
    payload: { compressor: 'zstd', level: 3 },
    files,
  });
  const file = join(work, 'bench.rpm');
  writeFileSync(file, built.bytes());
  const size = built.payload.reduce((n, piece) => n + piece.length, 0);
  const [a, b] = [join(work, 'a'), join(work, 'b')];
  compare(
    `unpack a zstd payload of ${(size / 1e6).toFixed(0)} MB`,
    () => {
      rmSync(a, { recursive: true, force: true });
      return ours('rpm', 'files', '-x', a, file);
    },
    () => {
      rmSync(b, { recursive: true, force: true });
      mkdirSync(b);
      return run('sh', ['-c', `cd '${b}' && rpm2cpio '${file}' | cpio -idm --quiet`]);
    },
    1.3,
  );
}

try {
  const parts = { createrepo, unpack, universe };
  const chosen = values.only?.split(',');
  for (const [name, part] of Object.entries(parts)) if (chosen === undefined || chosen.includes(name)) part();
} finally {
  rmSync(work, { recursive: true, force: true });
}
