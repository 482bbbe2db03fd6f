// Our command killed at chosen system calls, or left without space; the original says whether what is left is whole.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeTree, originalOutput } from './ostree-support.ts';

/** System calls that change files; a kill comes just before one of them. */
const changing = [
  'openat',
  'write',
  'pwrite64',
  'mkdir',
  'rmdir',
  'unlink',
  'rename',
  'renameat2',
  'link',
  'symlink',
  'fchmod',
  'chmod',
  'fchown',
  'fsetxattr',
  'fsync',
  'syncfs',
  'ftruncate',
];

export interface CrashCommand {
  /** Program and first arguments, e.g. a launcher. */
  readonly program: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface CrashCase {
  readonly name: string;
  /** Arguments behind `ostree` or, with `coppice`, behind that. */
  readonly args: readonly string[];
  readonly program: 'ostree' | 'coppice';
  /** What an undisturbed run may end with. */
  readonly status: number;
  /** Throws when the kill lost something; `old` and `made` are the commits of `main` before and after a whole run. */
  check(old: string, made: string): void;
  /** Throws unless a second, undisturbed run brings it to its end. */
  finish?(): void;
}

export interface CrashWorld {
  readonly base: string;
  readonly repo: string;
  readonly cases: readonly CrashCase[];
  /** Puts everything back to the beginning of a case. */
  fresh(name: string): void;
}

function mustBeClean(repo: string): void {
  const said = originalOutput(`--repo=${repo}`, 'fsck', '-q');
  if (!said.includes('no errors found')) throw new Error(said);
}

/** Repositories to start from: two commits on `main`, one on `good`, unreachable objects, and one with damaged objects. */
export function makeCrashWorld(base: string, mode: 'archive' | 'bare-user', files: number): CrashWorld {
  const repo = join(base, 'repo');
  const out = join(base, 'out');
  const tree = join(base, 'tree');
  const start = { sound: join(base, 'sound'), damaged: join(base, 'damaged') };
  for (let i = 0; i < files; i++) {
    mkdirSync(join(tree, `d${i % 5}`), { recursive: true });
    writeFileSync(join(tree, `d${i % 5}`, `f${i}`), `content ${i}`.repeat(200));
  }
  originalOutput('init', `--repo=${start.sound}`, `--mode=${mode}`);
  const commit = (ref: string, second: number, folder: string): string =>
    originalOutput(`--repo=${start.sound}`, 'commit', '-b', ref, `--timestamp=@${second}`, folder).trim();
  commit('main', 1, tree);
  commit('gone', 2, join(tree, 'd1'));
  writeFileSync(join(tree, 'gone'), 'only in a ref that goes');
  commit('gone', 3, tree);
  rmSync(join(tree, 'gone'));
  commit('good', 4, join(tree, 'd2'));
  originalOutput(`--repo=${start.sound}`, 'refs', '--delete', 'gone');
  spawnSync('cp', ['-a', start.sound, start.damaged]);
  // Damages files that only `main` has.
  const good = new Set(
    originalOutput(`--repo=${start.sound}`, 'ls', '-RC', 'good')
      .split('\n')
      .map((line) => line.split(/ +/)[4]),
  );
  const main = originalOutput(`--repo=${start.sound}`, 'ls', '-RC', 'main')
    .split('\n')
    .filter((line) => line.startsWith('-'))
    .map((line) => line.split(/ +/)[4]!)
    .filter((checksum) => !good.has(checksum));
  const suffix = mode === 'archive' ? 'filez' : 'file';
  for (const checksum of main.slice(0, 6)) {
    const path = join(start.damaged, 'objects', checksum.slice(0, 2), `${checksum.slice(2)}.${suffix}`);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    rmSync(path);
    spawnSync('cp', ['-a', join(start.sound, 'objects', checksum.slice(0, 2), `${checksum.slice(2)}.${suffix}`), path]);
    writeFileSync(path, bytes);
  }
  const remains = join(base, 'remains');
  for (let i = 0; i < files; i++) writeFileSync(join(tree, `d${i % 5}`, `new${i}`), `more ${i}`.repeat(300));

  const names = (path: string): string[] =>
    readdirSync(join(path, 'objects'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.includes('.'))
      .sort();
  const sound = names(start.sound);
  const refIs = (allowed: readonly string[]): void => {
    const now = originalOutput(`--repo=${repo}`, 'rev-parse', 'main').trim();
    if (!allowed.includes(now)) throw new Error(`main is ${now}`);
  };
  const goodWhole = (): void => {
    rmSync(remains, { recursive: true, force: true });
    originalOutput(`--repo=${repo}`, 'checkout', '-U', 'good', remains);
    const files = readdirSync(remains).length;
    if (files !== readdirSync(join(tree, 'd2')).filter((name) => name.startsWith('f')).length)
      throw new Error(`good has ${files} files`);
  };
  const cases: CrashCase[] = [
    {
      name: 'commit',
      program: 'ostree',
      args: [`--repo=${repo}`, 'commit', '-b', 'main', '--timestamp=@5', '--skip-if-unchanged', tree],
      status: 0,
      check(old, made) {
        refIs([old, made]);
        mustBeClean(repo);
        const now = new Set(names(repo));
        if (sound.some((name) => !now.has(name))) throw new Error('an object is gone');
      },
    },
    {
      name: 'prune',
      program: 'ostree',
      args: [`--repo=${repo}`, 'prune', '--refs-only'],
      status: 0,
      check(old) {
        refIs([old]);
        mustBeClean(repo);
        goodWhole();
      },
    },
    {
      name: 'checkout',
      program: 'ostree',
      args: [`--repo=${repo}`, 'checkout', '-U', '--union', 'main', out],
      status: 0,
      check(old) {
        refIs([old]);
        mustBeClean(repo);
      },
      finish() {
        rmSync(remains, { recursive: true, force: true });
        originalOutput(`--repo=${repo}`, 'checkout', '-U', 'main', remains);
        // Folders are made private and get their mode at the end, as the original does; one that is there keeps its own.
        const files = (path: string): string =>
          describeTree(path)
            .map((line) => line.replace(/^(\S*) 40\d{3} /, '$1 folder '))
            .join('\n');
        if (files(out) !== files(remains)) throw new Error('the second checkout is not the same');
      },
    },
    {
      name: 'fsck --delete',
      program: 'ostree',
      args: [`--repo=${repo}`, 'fsck', '--delete', '-q'],
      status: 1,
      check(old) {
        refIs([old]);
        goodWhole();
        const lost = sound.filter((name) => !existsSync(join(repo, 'objects', name)));
        if (lost.some((name) => !main.slice(0, 6).some((checksum) => name.includes(checksum.slice(2)))))
          throw new Error(`lost ${lost}`);
      },
    },
    {
      name: 'repair',
      program: 'coppice',
      args: ['repo', 'repair', repo, '--from', start.sound],
      status: 0,
      check(old) {
        refIs([old]);
        goodWhole();
      },
      finish: () => mustBeClean(repo),
    },
  ];
  return {
    base,
    repo,
    cases,
    fresh(name) {
      for (const path of [repo, out]) rmSync(path, { recursive: true, force: true });
      spawnSync('cp', ['-a', name === 'fsck --delete' || name === 'repair' ? start.damaged : start.sound, repo]);
    },
  };
}

function run(
  command: CrashCommand,
  one: CrashCase,
  before: readonly string[] = [],
): { status: number | null; stderr: string; signal: string | null } {
  const word = one.program === 'ostree' ? ['ostree'] : [];
  const [program, ...args] = [...before, ...command.program, ...word, ...one.args];
  const done = spawnSync(program!, args, { env: command.env, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  return { status: done.status, stderr: done.stderr, signal: done.signal };
}

/** How often each changing system call is made in a run that is not disturbed, and what `main` is after it. */
export function measure(
  world: CrashWorld,
  command: CrashCommand,
  one: CrashCase,
): { old: string; made: string; calls: [name: string, nth: number][] } {
  world.fresh(one.name);
  const main = (): string => originalOutput(`--repo=${world.repo}`, 'rev-parse', 'main').trim();
  const old = main();
  const trace = join(world.base, 'trace');
  const done = run(command, one, ['strace', '-f', '-qq', '-o', trace, '-e', `trace=${changing.join(',')}`]);
  if (done.status !== one.status) throw new Error(`${one.name}: status ${done.status}: ${done.stderr}`);
  const calls: [string, number][] = [];
  const seen = new Map<string, number>();
  // Kills come once the repository has been touched; before that there is only the start of the program.
  let begun = false;
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    const found = /^\d+ +(\w+)\((.*)/.exec(line);
    if (found === null || !changing.includes(found[1]!)) continue;
    const nth = (seen.get(found[1]!) ?? 0) + 1;
    seen.set(found[1]!, nth);
    begun ||= found[2]!.includes(world.repo);
    if (begun) calls.push([found[1]!, nth]);
  }
  return { old, made: main(), calls };
}

/** Kills before the `nth` call of that name, checks what is left, and with `again` lets a second run finish. */
export function killAt(
  world: CrashWorld,
  command: CrashCommand,
  one: CrashCase,
  at: readonly [name: string, nth: number],
  known: { old: string; made: string },
  again: boolean,
): boolean {
  world.fresh(one.name);
  const [name, nth] = at;
  const done = run(command, one, [
    'strace',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    `trace=${name}`,
    '-e',
    `inject=${name}:signal=KILL:when=${nth}`,
  ]);
  one.check(known.old, known.made);
  if (again) {
    const second = run(command, one);
    if (second.status !== one.status) throw new Error(`${one.name}, second run: ${second.stderr}`);
    one.check(known.old, known.made);
    one.finish?.();
  }
  return done.signal === 'SIGKILL' || done.status === 137;
}

export interface FullResult {
  /** Commits that found too little room. */
  readonly refused: number;
  readonly done: number;
}

/** A commit and a checkout on a tmpfs of `points` sizes, from no room at all to nearly enough; then with more room. */
export function fillAt(world: CrashWorld, command: CrashCommand, points: number): FullResult {
  const mounted = join(world.base, 'small');
  mkdirSync(mounted, { recursive: true });
  const repo = join(mounted, 'repo');
  world.fresh('commit');
  writeFileSync(
    join(world.repo, 'config'),
    `${readFileSync(join(world.repo, 'config'), 'utf8')}min-free-space-percent=0\n`,
  );
  const old = originalOutput(`--repo=${world.repo}`, 'rev-parse', 'main').trim();
  const commit: CrashCase = {
    ...world.cases[0]!,
    args: [`--repo=${repo}`, 'commit', '-b', 'main', '--timestamp=@5', join(world.base, 'tree')],
  };
  const checkout: CrashCase = {
    ...commit,
    args: [`--repo=${repo}`, 'checkout', '-U', '--union', 'main', join(mounted, 'out')],
  };
  const mount = (option: string): void => {
    const done = spawnSync('mount', ['-t', 'tmpfs', '-o', option, 'tmpfs', mounted], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(done.stderr);
  };
  const used = (): number => {
    const { blocks, bfree, bsize } = statfsSync(mounted);
    return (blocks - bfree) * bsize;
  };
  const must = (one: CrashCase): void => {
    const done = run(command, one);
    if (done.status !== 0) throw new Error(`with enough room: ${done.stderr}`);
  };
  mount('size=1G');
  let least: number;
  let most: number;
  try {
    spawnSync('cp', ['-a', world.repo, repo]);
    least = used();
    must(commit);
    must(checkout);
    most = used();
  } finally {
    spawnSync('umount', ['--lazy', mounted]);
  }
  let [refused, done] = [0, 0];
  for (let i = 0; i < points; i++) {
    mount(`size=${least + Math.ceil(((most - least) * i) / points / 4096) * 4096}`);
    try {
      spawnSync('cp', ['-a', world.repo, repo]);
      const full = (one: CrashCase): boolean => {
        const { status, stderr } = run(command, one);
        mustBeClean(repo);
        if (status === 0) return false;
        if (!/^error: .*No space left on device$/m.test(stderr)) throw new Error(`said: ${stderr}`);
        return true;
      };
      if (!full(commit)) done++;
      else {
        refused++;
        if (originalOutput(`--repo=${repo}`, 'rev-parse', 'main').trim() !== old) throw new Error('the ref has moved');
      }
      full(checkout);
      spawnSync('mount', ['-o', 'remount,size=1G', mounted]);
      must(commit);
      must(checkout);
      mustBeClean(repo);
    } finally {
      spawnSync('umount', ['--lazy', mounted]);
    }
  }
  return { refused, done };
}
