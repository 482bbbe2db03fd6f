// Our command killed at chosen system calls; the original, and ours, say whether what is left is whole.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import type { RepoMode } from '@coppice/ostree';
import { splitXattrs } from './ostree-split.ts';
import { describeTree, original, originalOutput } from './ostree-support.ts';

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
  /** What an undisturbed run ends with; a second one may find nothing left to say. */
  readonly status: number;
  /** Throws when the kill lost something. */
  check(known: Whole): void;
  /** Throws unless a second, undisturbed run has brought it to its end. */
  finish(known: Whole): void;
}

/** What a run that is not disturbed starts from and leaves. */
export interface Whole {
  /** The commits of `main`. */
  readonly old: string;
  readonly made: string;
  /** Names in `objects/`. */
  readonly objects: readonly string[];
}

export interface CrashWorld {
  readonly base: string;
  readonly repo: string;
  /** Unharmed, with the commits of `main` and `good`. */
  readonly sound: string;
  /** What is committed: a folder, or a tree as an option. */
  readonly tree: string;
  /** Throws unless both programs find nothing wrong. */
  mustBeClean(repo: string): void;
  readonly cases: readonly CrashCase[];
  /** Puts everything back to the beginning of a case. */
  fresh(name: string): void;
}

type FsckRun = ReturnType<typeof original>;

/** What both programs' fsck say; throws when they do not agree. */
function fsckByBoth(
  command: CrashCommand,
  repo: string,
  // How often progress is told depends on the time.
  said = ({ status, stdout, stderr }: FsckRun): string =>
    `${status}: ${stdout.replace(/^fsck objects .*\n/gm, '')}${stderr}`,
): FsckRun {
  const [program, ...words] = command.program;
  const ours = spawnSync(program!, [...words, 'ostree', `--repo=${repo}`, 'fsck', '-q'], {
    env: command.env,
    encoding: 'utf8',
  });
  const theirs = original(`--repo=${repo}`, 'fsck', '-q');
  if (said(ours) !== said(theirs)) throw new Error(`fsck:\n  ${said(theirs)}\n  ${said(ours)}`);
  return ours;
}

/** Names of the objects of a repository. */
export function objectNames(repo: string): string[] {
  // Not recursively: that would go on in what an object that is a link leads to.
  const objects = join(repo, 'objects');
  return readdirSync(objects)
    .flatMap((head) => readdirSync(join(objects, head)).map((rest) => `${head}/${rest}`))
    .filter((name) => name.includes('.'))
    .sort();
}

/**
 * Repositories to start from: one commit on `main`, one on `good`, unreachable objects, and one with damaged objects. What is
 * below `more` is committed too.
 */
export function makeCrashWorld(
  base: string,
  mode: RepoMode,
  files: number,
  command: CrashCommand,
  more?: string,
): CrashWorld {
  const mustBeClean = (path: string): void => {
    const { status, stdout } = fsckByBoth(command, path);
    if (status !== 0 || !stdout.includes('no errors found')) throw new Error(stdout);
  };
  // Files are not written in that mode; a commit takes a tree that is there.
  const split = mode === 'bare-split-xattrs';
  // Only root's own files can be given to root, whatever the mode; archives are checked out by anyone.
  const user = mode === 'bare' || split ? [] : ['-U'];
  const repo = join(base, 'repo');
  const out = join(base, 'out');
  const tree = join(base, 'tree');
  const start = { sound: join(base, 'sound'), damaged: join(base, 'damaged') };
  for (let i = 0; i < files; i++) {
    mkdirSync(join(tree, `d${i % 5}`), { recursive: true });
    writeFileSync(join(tree, `d${i % 5}`, `f${i}`), `content ${i}`.repeat(200));
  }
  symlinkSync('f1', join(tree, 'd1/link'));
  writeFileSync(join(tree, 'd3/empty'), '');
  writeFileSync(join(tree, 'd3/large'), Buffer.alloc(400_000, 'large '));
  if (mode !== 'bare-user-only') {
    hostFs.setxattr(join(tree, 'd3/empty'), 'user.of', Buffer.from('empty'));
    hostFs.setxattr(join(tree, 'd4'), 'user.of', Buffer.from('folder'));
  }
  originalOutput('init', `--repo=${start.sound}`, `--mode=${split ? 'bare' : mode}`);
  const commit = (ref: string, second: number, folder: string): string =>
    originalOutput(`--repo=${start.sound}`, 'commit', '-b', ref, `--timestamp=@${second}`, folder).trim();
  commit('main', 1, tree);
  commit('gone', 2, join(tree, 'd1'));
  writeFileSync(join(tree, 'gone'), 'only in a ref that goes');
  commit('gone', 3, tree);
  rmSync(join(tree, 'gone'));
  commit('good', 4, join(tree, 'd2'));
  originalOutput(`--repo=${start.sound}`, 'refs', '--delete', 'gone');
  if (split) splitXattrs(start.sound);
  spawnSync('cp', ['-a', start.sound, start.damaged]);
  // Damages files that only `main` has.
  const good = new Set(
    originalOutput(`--repo=${start.sound}`, 'ls', '-RC', 'good')
      .split('\n')
      .map((line) => line.split(/ +/)[4]),
  );
  const suffix = mode === 'archive' ? 'filez' : 'file';
  const hasContent = (checksum: string): boolean =>
    readFileSync(join(start.sound, 'objects', checksum.slice(0, 2), `${checksum.slice(2)}.${suffix}`)).length > 0;
  const main = originalOutput(`--repo=${start.sound}`, 'ls', '-RC', 'main')
    .split('\n')
    .filter((line) => line.startsWith('-'))
    .map((line) => line.split(/ +/)[4]!)
    .filter((checksum) => !good.has(checksum) && hasContent(checksum));
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

  if (more !== undefined) spawnSync('cp', ['-a', more, join(tree, 'more')]);

  const sound = objectNames(start.sound);
  const sameObjects = (known: Whole): void => {
    const now = new Set(objectNames(repo));
    const missing = known.objects.filter((name) => !now.has(name));
    const more = [...now].filter((name) => !known.objects.includes(name));
    if (missing.length + more.length > 0)
      throw new Error(`the second run leaves other objects: -${missing} +${more}`.slice(0, 1000));
  };
  const refIs = (allowed: readonly string[]): void => {
    const now = originalOutput(`--repo=${repo}`, 'rev-parse', 'main').trim();
    if (!allowed.includes(now)) throw new Error(`main is ${now}`);
  };
  const whole = (ref: string, path: string): void => {
    rmSync(remains, { recursive: true, force: true });
    originalOutput(`--repo=${repo}`, 'checkout', ...user, ref, remains);
    if (folderModesAside(remains) !== path) throw new Error(`${ref} is not what it was`);
  };
  const expected = new Map<string, string>();
  for (const ref of ['main', 'good']) {
    originalOutput(`--repo=${start.sound}`, 'checkout', ...user, ref, remains);
    expected.set(ref, folderModesAside(remains));
    rmSync(remains, { recursive: true });
  }
  const goodWhole = (): void => whole('good', expected.get('good')!);
  const newTree = split ? '--tree=ref=good' : tree;
  const cases: CrashCase[] = [
    {
      name: 'commit',
      program: 'ostree',
      args: [`--repo=${repo}`, 'commit', '-b', 'main', '--timestamp=@5', '--skip-if-unchanged', newTree],
      status: 0,
      check({ old, made }) {
        refIs([old, made]);
        mustBeClean(repo);
        const now = new Set(objectNames(repo));
        if (sound.some((name) => !now.has(name))) throw new Error('an object is gone');
      },
      finish(known) {
        refIs([known.made]);
        sameObjects(known);
      },
    },
    {
      name: 'prune',
      program: 'ostree',
      args: [`--repo=${repo}`, 'prune', '--refs-only'],
      status: 0,
      check({ old }) {
        refIs([old]);
        mustBeClean(repo);
        goodWhole();
        whole('main', expected.get('main')!);
      },
      finish: sameObjects,
    },
    {
      name: 'checkout',
      program: 'ostree',
      args: [`--repo=${repo}`, 'checkout', ...user, '--union', 'main', out],
      status: 0,
      check(known) {
        refIs([known.old]);
        mustBeClean(repo);
        sameObjects(known);
      },
      finish() {
        if (folderModesAside(out) !== expected.get('main')) throw new Error('the second checkout is not the same');
      },
    },
    {
      name: 'fsck --delete',
      program: 'ostree',
      args: [`--repo=${repo}`, 'fsck', '--delete', '-q'],
      status: 1,
      check({ old }) {
        refIs([old]);
        goodWhole();
        fsckByBoth(command, repo, ({ status }) => String(status));
        const left = new Set(objectNames(repo));
        const lost = sound.filter((name) => !left.has(name));
        if (lost.some((name) => !main.slice(0, 6).some((checksum) => name.includes(checksum.slice(2)))))
          throw new Error(`lost ${lost}`);
      },
      finish({ objects }) {
        // A commit that is marked is not looked at again, so that some of its damaged objects may stay.
        const left = new Set(objectNames(repo));
        if (objects.some((name) => !left.has(name))) throw new Error('the second run deletes other objects');
        // What is left of `main` is marked as partial, and nothing else is wrong.
        const { stderr } = fsckByBoth(command, repo);
        if (!/^error: \d partial commits from fsck-detected corruption$/.test(stderr.trim())) throw new Error(stderr);
      },
    },
    {
      name: 'repair',
      program: 'coppice',
      args: ['repo', 'repair', repo, '--from', start.sound],
      status: 0,
      check({ old }) {
        refIs([old]);
        goodWhole();
      },
      finish: () => mustBeClean(repo),
    },
  ];
  return {
    base,
    repo,
    sound: start.sound,
    tree: newTree,
    mustBeClean,
    cases,
    fresh(name) {
      for (const path of [repo, out]) rmSync(path, { recursive: true, force: true });
      spawnSync('cp', ['-a', name === 'fsck --delete' || name === 'repair' ? start.damaged : start.sound, repo]);
    },
  };
}

/** Everything below a folder. Folders are made private and get their mode at the end; one that is there keeps its own. */
export function folderModesAside(path: string): string {
  return describeTree(path)
    .map((line) => line.replace(/^(\S*) 40\d{3} /, '$1 folder '))
    .join('\n');
}

export function run(
  command: CrashCommand,
  one: CrashCase,
  before: readonly string[] = [],
): { status: number | null; stderr: string; signal: string | null } {
  const word = one.program === 'ostree' ? ['ostree'] : [];
  const [program, ...args] = [...before, ...command.program, ...word, ...one.args];
  const done = spawnSync(program!, args, { env: command.env, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  return { status: done.status, stderr: done.stderr, signal: done.signal };
}

/** One of the calls of a process or thread: the `nth` of that name; `flushing` while a flush of the file system is under way. */
export type CrashPoint = readonly [name: string, nth: number, flushing: boolean];

/** How often each changing system call is made in a run that is not disturbed, and what `main` is after it. */
export function measure(world: CrashWorld, command: CrashCommand, one: CrashCase): Whole & { calls: CrashPoint[] } {
  world.fresh(one.name);
  const main = (): string => originalOutput(`--repo=${world.repo}`, 'rev-parse', 'main').trim();
  const old = main();
  const trace = join(world.base, 'trace');
  const done = run(command, one, ['strace', '-f', '-qq', '-o', trace, '-e', `trace=${changing.join(',')}`]);
  if (done.status !== one.status) throw new Error(`${one.name}: status ${done.status}: ${done.stderr}`);
  const calls: CrashPoint[] = [];
  const seen = new Map<string, number>();
  // Kills come once the repository has been touched; before that there is only the start of the program.
  let begun = false;
  let flushes = 0;
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    flushes += flushStep(line);
    const found = /^(\d+) +(\w+)\((.*)/.exec(line);
    if (found === null || !changing.includes(found[2]!)) continue;
    // Each thread is counted for itself when the kill is placed.
    const thread = `${found[1]} ${found[2]}`;
    const nth = (seen.get(thread) ?? 0) + 1;
    seen.set(thread, nth);
    begun ||= found[3]!.includes(world.repo);
    if (begun) calls.push([found[2]!, nth, flushes > 0]);
  }
  return { old, made: main(), objects: objectNames(world.repo), calls };
}

/** What a line of a trace says about flushes beside others: one more, one less. One that was cut off has no result. */
function flushStep(line: string): number {
  return / syncfs\(.*<unfinished/.test(line) ? 1 : /<\.\.\. syncfs resumed.*= -?\d/.test(line) ? -1 : 0;
}

/**
 * Kills before a call, checks what is left, and with `again` lets a second run finish. Gives whether it was killed, and whether
 * a flush was under way then.
 */
export function killAt(
  world: CrashWorld,
  command: CrashCommand,
  one: CrashCase,
  at: CrashPoint,
  known: Whole,
  again: boolean,
): { killed: boolean; flushing: boolean } {
  world.fresh(one.name);
  const [name, nth] = at;
  const trace = join(world.base, 'kill-trace');
  const done = run(command, one, [
    'strace',
    '-f',
    '-qq',
    '-o',
    trace,
    '-e',
    `trace=${name},syncfs`,
    '-e',
    `inject=${name}:signal=KILL:when=${nth}`,
  ]);
  const traced = readFileSync(trace, 'utf8').split('\n');
  one.check(known);
  if (again) {
    const second = run(command, one);
    if (second.status !== one.status && second.status !== 0) throw new Error(`second run: ${second.stderr}`);
    one.check(known);
    one.finish(known);
  }
  const killed = done.signal === 'SIGKILL' || done.status === 137;
  const flushes = killed ? traced.reduce((sum, line) => sum + flushStep(line), 0) : 0;
  return { killed, flushing: flushes > 0 };
}
