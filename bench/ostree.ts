// The heavy verbs of bin/ostree against the original: median ratios over paired runs, with peak memory.
//   --tree DIR    a real tree, such as debootstrap makes (default: one is made from /usr/share and /usr/lib, 9,000 files)
//   --files N     size of the tree of small files (default 100,000; 0 leaves it out)
//   --runs N      pairs (default 5)
//   --only WORD   cases whose name contains it
//   --barriers    count sync calls of a commit with strace instead
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { base, bench, discard, programs, type Side } from './measure.ts';

const { values } = parseArgs({
  options: {
    tree: { type: 'string' },
    files: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    barriers: { type: 'boolean', default: false },
  },
});
const settings = { runs: Number(values.runs), only: values.only };

const repoOf = (side: Side): string => join(base, `repo-${side}`);

function fresh(side: Side, mode: string): void {
  discard(repoOf(side));
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
    discard(join(base, 'out'));
  };
}

/** The tree asked for, without device nodes and the like, which the original refuses. */
function realTree(): string {
  if (values.tree !== undefined) {
    const odd = ['(', '-type', 'b', '-o', '-type', 'c', '-o', '-type', 'p', '-o', '-type', 's', ')'];
    const found = spawnSync('find', [values.tree, '-xdev', ...odd], { encoding: 'utf8' }).stdout.trim();
    if (found === '') return values.tree;
    const copy = join(base, 'tree');
    spawnSync('cp', ['-a', values.tree, copy]);
    spawnSync('find', [copy, ...odd, '-delete']);
    return copy;
  }
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

/** Two commits of which the older, half of whose files the newer does not have, goes with `prune --depth=0`. */
function prunable(side: Side, tree: string): void {
  filled(side, 'bare', tree);
  const skipped = join(base, 'skipped');
  const list = spawnSync('find', [tree, '!', '-type', 'd', '-printf', '/%P\n'], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  const paths = list.stdout.trim().split('\n').sort();
  writeFileSync(skipped, paths.filter((_, i) => i % 2 === 0).join('\n'));
  const args = ['commit', '-b', 'main', '--timestamp=@2', `--skip-list=${skipped}`, tree];
  const done = spawnSync(programs.original, [`--repo=${repoOf(side)}`, ...args], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
}

function casesOn(label: string, tree: string): void {
  const run = (name: string, limit: number, args: string[], before: (side: Side) => void): void =>
    bench(`${label} ${name}`, limit, (side) => [`--repo=${repoOf(side)}`, ...args], before, settings);
  const commit = ['commit', '-b', 'main', tree];
  run('commit bare', 0.5, commit, (side) => fresh(side, 'bare'));
  run('commit bare-user', 0.5, commit, (side) => fresh(side, 'bare-user'));
  run('commit archive', 0.35, commit, (side) => fresh(side, 'archive'));
  run('commit again bare', 0.5, commit, kept('bare', tree));
  run('commit again archive', 0.1, commit, kept('archive', tree));
  run('fsck bare', 0.3, ['fsck', '-q'], kept('bare', tree));
  run('fsck archive', 0.45, ['fsck', '-q'], kept('archive', tree));
  const checkout = ['checkout', 'main', join(base, 'out')];
  run('checkout links', 1.5, checkout, kept('bare', tree));
  run('checkout archive', 0.5, checkout, kept('archive', tree));
  run('ls -R', 1, ['ls', '-R', 'main'], kept('bare', tree));
  run('prune nothing', 0.7, ['prune', '--refs-only'], kept('bare', tree));
  run('prune', 0.7, ['prune', '--refs-only', '--depth=0'], (side) => prunable(side, tree));
  const archive = join(base, 'tree.tar');
  run('import tar', 0.6, ['commit', '-b', 'main', `--tree=tar=${archive}`], (side) => {
    if (!existsSync(archive)) spawnSync('tar', ['-C', tree, '--xattrs', '-cf', archive, '.']);
    fresh(side, 'bare');
  });
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
