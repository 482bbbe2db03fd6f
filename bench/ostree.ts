// The heavy verbs of bin/ostree against the original: median ratios over paired runs, with peak memory.
//   --tree DIR    a real tree, such as debootstrap makes (default: one is made from /usr/share and /usr/lib, 9,000 files)
//   --files N     size of the tree of small files (default 100,000; 0 leaves it out)
//   --runs N      pairs (default 5)
//   --only WORD   cases whose name contains it; `--only "files fsck bare"` is one verb on small files. Trees and repositories
//                 are made when the first case asks for them, so that one verb at 100,000 files takes a minute or two
//   --barriers    count sync calls of a commit with strace instead
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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

// On ext4 the name decides about the place: one of its own for each run, where none before it has deleted anything.
const repoOf = (side: Side): string => join(base, `repo-${side}-${base.slice(-6)}`);
const keptOf = (mode: string, side: Side): string => join(base, `kept-${mode}-${side}-${base.slice(-6)}`);

function fresh(side: Side, mode: string): void {
  discard(repoOf(side));
  spawnSync(programs.original, ['init', `--repo=${repoOf(side)}`, `--mode=${mode}`]);
}

function filled(side: Side, mode: string, tree: string): void {
  fresh(side, mode);
  spawnSync(programs.original, [`--repo=${repoOf(side)}`, 'commit', '-b', 'main', '--timestamp=@1', tree]);
}

const filledModes = new Map<string, string>();

/** Repositories are filled once for all cases that change nothing in them: by the original, for both sides. */
function kept(mode: string, tree: () => string): (side: Side) => void {
  const repo = (side: Side): string => keptOf(mode, side);
  return () => {
    discard(join(base, 'out'));
    if (filledModes.get(mode) === tree()) return;
    for (const side of ['original', 'ours'] as const) discard(repo(side));
    filled('original', mode, tree());
    renameSync(repoOf('original'), repo('original'));
    spawnSync('cp', ['-a', repo('original'), repo('ours')]);
    // The first reading of new files writes their times of access, which takes longer than the reading; cp has read the other side.
    spawnSync('find', [repo('ours'), '-type', 'f', '-exec', 'cat', '{}', '+'], { stdio: 'ignore' });
    filledModes.set(mode, tree());
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

function casesOn(label: string, tree: () => string): void {
  const run = (name: string, limit: number, args: () => string[], before: (side: Side) => void, repo = repoOf): void =>
    bench(`${label} ${name}`, limit, (side) => [`--repo=${repo(side)}`, ...args()], before, settings);
  const commit = (): string[] => ['commit', '-b', 'main', tree()];
  for (const [mode, limit] of [
    ['bare', 0.5],
    ['bare-user', 0.5],
    ['archive', 0.35],
  ] as const)
    run(`commit ${mode}`, limit, commit, (side) => {
      tree();
      fresh(side, mode);
    });
  const runKept = (name: string, limit: number, mode: string, args: () => string[]): void =>
    run(name, limit, args, kept(mode, tree), (side) => keptOf(mode, side));
  const checkout = (): string[] => ['checkout', 'main', join(base, 'out')];
  runKept('fsck bare', 0.3, 'bare', () => ['fsck', '-q']);
  runKept('checkout links', 1.5, 'bare', checkout);
  runKept('ls -R', 1, 'bare', () => ['ls', '-R', 'main']);
  runKept('prune nothing', 0.7, 'bare', () => ['prune', '--refs-only']);
  runKept('commit again bare', 0.5, 'bare', commit);
  runKept('fsck archive', 0.45, 'archive', () => ['fsck', '-q']);
  runKept('checkout archive', 0.5, 'archive', checkout);
  runKept('commit again archive', 0.1, 'archive', commit);
  run(
    'prune',
    0.7,
    () => ['prune', '--refs-only', '--depth=0'],
    (side) => prunable(side, tree()),
  );
  const archive = join(base, 'tree.tar');
  run(
    'import tar',
    0.6,
    () => ['commit', '-b', 'main', `--tree=tar=${archive}`],
    (side) => {
      if (!existsSync(archive)) spawnSync('tar', ['-C', tree(), '--xattrs', '-cf', archive, '.']);
      fresh(side, 'bare');
    },
  );
  rmSync(archive, { force: true });
}

/** A tree that is made when it is asked for first. */
function once(make: () => string): () => string {
  let made: string | undefined;
  return () => {
    made ??= make();
    return made;
  };
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

const tree = once(realTree);
if (values.barriers) barriers(tree());
else {
  casesOn('tree', tree);
  const count = Number(values.files);
  if (count > 0)
    casesOn(
      `${count} files`,
      once(() => smallFiles(count)),
    );
}
