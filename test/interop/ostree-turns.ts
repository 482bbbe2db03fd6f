// One repository used in turns by the original and by ours: each step by one of them, chosen by dice, looked at by both.
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import type { RepoMode } from '@coppice/ostree';
import type { Outcome, Runner } from './ostree-identical.ts';
import { splitXattrs } from './ostree-split.ts';
import { describeTree } from './ostree-support.ts';

/** Numbers below `n`, the same in every run. */
export type Dice = (n: number) => number;

export function dice(seed: number): Dice {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

export interface TurnsSetup {
  /** An empty folder. */
  readonly base: string;
  readonly mode: RepoMode;
  readonly seed: number;
  readonly steps: number;
  readonly ours: Runner;
  readonly theirs: Runner;
}

interface World extends TurnsSetup {
  readonly repo: string;
  readonly tree: string;
  readonly roll: Dice;
  /** One of a list. */
  pick<T>(list: readonly T[]): T;
  step: number;
  /** Runs by whoever's turn it is; a failure is allowed when it is the same for both, i.e. never here. */
  act(...args: string[]): Promise<string>;
  /** Runs by both, which must say the same. */
  both(...args: string[]): Promise<string>;
  /** By name: the refs that exist. */
  refs(): Promise<string[]>;
}

const branches = ['main', 'other/branch', 'third'];

/** Commits that a bare-split-xattrs repository starts with, on refs `kept/N` that stay. */
const keptCommits = 4;

function changeTree({ roll, pick, tree }: World): void {
  for (let i = roll(4); i >= 0; i--) {
    const folder = join(tree, pick(['dir0', 'dir1', 'dir with space']));
    const name = join(folder, pick(['file', 'naïve', 'tool', 'link', 'empty']));
    mkdirSync(folder, { recursive: true });
    rmSync(name, { force: true });
    const kind = roll(6);
    if (kind === 0) symlinkSync(`target${roll(3)}`, name);
    else if (kind > 1) {
      writeFileSync(name, `content ${roll(5)} `.repeat(roll(3) * 2000));
      chmodSync(name, pick([0o644, 0o755, 0o600]));
    }
  }
}

async function commit(world: World): Promise<void> {
  const { act, pick, roll, tree, step, mode } = world;
  changeTree(world);
  const known = await world.refs();
  const flags: string[] = [];
  const maybe = (...words: string[]): void => {
    if (roll(4) === 0) flags.push(...words);
  };
  maybe('--add-metadata-string=version=1');
  maybe(`--add-metadata=n=uint32 ${roll(9)}`);
  maybe('--add-detached-metadata-string=beside=it');
  // In bare-split-xattrs folders are written, files are not.
  const files = mode !== 'bare-split-xattrs';
  if (files) {
    if (roll(2) === 0) maybe('--owner-uid=3', '--owner-gid=4');
    else maybe('--canonical-permissions');
    maybe('--no-xattrs');
    maybe('--mode-ro-executables');
  }
  maybe('--no-bindings');
  maybe('--bind-ref=bound');
  maybe('--skip-if-unchanged');
  maybe('--fsync=false');
  maybe('--table-output');
  // The original aborts on it in bare-split-xattrs.
  if (files) maybe('--link-checkout-speedup');
  maybe('-s', 'subject', '-m', 'body\nof lines');
  maybe('--parent=none');
  if (mode === 'archive') maybe('--generate-sizes');
  if (files && known.length > 0 && roll(5) === 0) flags.push(`--tree=ref=${pick(known)}`);
  if (files && known.length > 0 && roll(6) === 0) flags.push(`--base=${pick(known)}`);
  flags.push(files ? `--tree=dir=${tree}` : `--tree=ref=kept/${roll(keptCommits)}`);
  const where = roll(8) === 0 ? ['--orphan'] : ['-b', pick(branches)];
  await act('commit', ...where, `--timestamp=@${step}`, ...flags);
}

async function changeRefs(world: World): Promise<void> {
  const { act, pick, roll } = world;
  const known = await world.refs();
  if (known.length === 0) return;
  switch (roll(5)) {
    case 0:
      await act('refs', '--delete', pick(known));
      break;
    case 1:
      await act('refs', '--force', `--create=${pick(['copy', 'copy/of', 'third'].slice(0, 1))}`, pick(known));
      break;
    case 2:
      await act('refs', '--delete', 'alias');
      await act('refs', '-A', '--create=alias', pick(known.filter((name) => name !== 'alias')) ?? known[0]!);
      await act('refs', '--delete', 'alias');
      break;
    case 3:
      await act('reset', pick(known), pick(known));
      break;
    default:
      await world.both('refs', '--list');
  }
}

async function prune(world: World): Promise<void> {
  const { act, pick, roll } = world;
  const known = await world.refs();
  const one = pick([...known, 'main']);
  const ways: string[][] = [
    ['--refs-only'],
    ['--refs-only', `--depth=${roll(3) - 1}`],
    [`--depth=${roll(2)}`],
    ['--refs-only', '--keep-younger-than=1970-01-01 00:00:20'],
    ['--no-prune', '--refs-only'],
    ['--commit-only', '--refs-only', '--depth=-1'],
  ];
  if (known.includes(one))
    ways.push([`--only-branch=${one}`, '--depth=0'], [`--retain-branch-depth=${one}=1`, '--refs-only']);
  await act('prune', ...pick(ways));
}

async function configure(world: World): Promise<void> {
  const { act, pick } = world;
  const [key, value] = pick([
    ['core.tombstone-commits', 'true'],
    ['core.tombstone-commits', 'false'],
    ['core.min-free-space-size', '1MB'],
    ['core.per-object-fsync', 'true'],
    ['core.per-object-fsync', 'false'],
    ['archive.zlib-level', '1'],
    ['core.tmp-expiry-secs', '3600'],
    ['core.payload-link-threshold', '100'],
    ['foreign.key', ' spaces; and "quotes"'],
  ] as const);
  await act('config', 'set', key, value);
  await world.both('config', 'get', key);
  if (world.roll(3) === 0) await act('config', 'unset', key);
}

async function deltas(world: World): Promise<void> {
  const { act, both, pick, roll, mode } = world;
  const known = await world.refs();
  if (known.length === 0) return;
  const ref = pick(known);
  // A delta is made from an archive repository's objects or any other's alike.
  void mode;
  const to = (await world.both('rev-parse', ref)).trim();
  const inline = roll(2) === 0;
  await act('static-delta', 'generate', '--empty', `--to=${to}`, ...(inline ? ['--inline'] : []));
  await both('static-delta', 'list');
  // The original looks for the parts of an inline delta in files.
  if (!inline) await both('static-delta', 'show', to);
  if (roll(2) === 0) await act('static-delta', 'reindex');
  if (roll(3) === 0) await act('static-delta', 'delete', to);
}

async function signing(world: World): Promise<void> {
  const { act, both, pick, roll } = world;
  const known = await world.refs();
  if (known.length === 0) return;
  const ref = pick(known);
  await act('sign', '--sign-type=dummy', ref, `key${roll(3)}`, 'key9');
  await both('sign', '--sign-type=dummy', '--verify', ref, 'key9');
  await both('show', '--print-detached-metadata-key=ostree.sign.dummy', ref);
  if (roll(3) === 0) await act('sign', '--sign-type=dummy', '--delete', ref, 'key9');
}

async function summary(world: World): Promise<void> {
  const { act, both, roll } = world;
  await act('summary', '-u', ...(roll(2) === 0 ? ["--add-metadata=extra.key='value'"] : []));
  await both('summary', '-v');
  await both('summary', '--raw');
}

async function look(world: World): Promise<void> {
  const { both, pick, roll } = world;
  const known = await world.refs();
  if (known.length === 0) return;
  const ref = pick(known);
  switch (roll(7)) {
    case 0:
      await both('log', ref);
      break;
    case 1:
      await both('show', ref);
      await both('show', '--raw', ref);
      break;
    case 2:
      await both('ls', '-RCX', ref);
      break;
    case 3:
      await both('diff', ref, pick(known));
      break;
    case 4:
      await both('export', ref);
      break;
    case 5:
      await both('fsck');
      break;
    default:
      await both('rev-parse', ref);
  }
}

async function checkout(world: World): Promise<void> {
  const { base, mode, ours, theirs, pick, roll, repo } = world;
  const known = await world.refs();
  if (known.length === 0) return;
  const ref = pick(known);
  const flags = mode === 'bare' && roll(2) === 0 ? [] : ['-U'];
  flags.push(...pick([[], ['-C'], ['--disable-cache'], ['-M'], ['--fsync=true']]));
  const second = roll(3) === 0 ? pick(known) : undefined;
  const overwrite = pick(['--union', '--union-add']);
  const seen: string[][] = [];
  for (const [side, runner] of [
    ['theirs', theirs],
    ['ours', ours],
  ] as const) {
    const out = join(base, `out-${side}`);
    const said = [await runner([`--repo=${repo}`, 'checkout', ...flags, ref, out])];
    if (second !== undefined) said.push(await runner([`--repo=${repo}`, 'checkout', ...flags, overwrite, second, out]));
    seen.push([...said.map((one) => JSON.stringify(one).replaceAll(out, 'OUT')), ...describeTree(out)]);
    rmSync(out, { recursive: true, force: true });
  }
  if (seen[0]!.join('\n') !== seen[1]!.join('\n'))
    throw new Error(`checkout ${flags} ${ref}: ${firstOther(seen[0]!, seen[1]!)}`);
}

function firstOther(a: readonly string[], b: readonly string[]): string {
  const at = a.findIndex((line, i) => line !== b[i]);
  return `${a[at]} | ${b[at]}`.slice(0, 600);
}

const actions: readonly (readonly [weight: number, action: (world: World) => Promise<void>])[] = [
  [8, commit],
  [3, changeRefs],
  [3, prune],
  [2, configure],
  [2, deltas],
  [2, signing],
  [2, summary],
  [3, look],
  [3, checkout],
];

const short = (text: string): string =>
  text.length > 300 ? `${text.length} bytes, ${createHash('sha256').update(text).digest('hex')}` : text;

function isEmptyStaging(repo: string, name: string): boolean {
  if (!name.startsWith('staging-')) return false;
  const path = join(repo, 'tmp', name);
  return (
    !statSync(path).isDirectory() ||
    readdirSync(path, { recursive: true, withFileTypes: true }).every((entry) => entry.isDirectory())
  );
}

/** Takes all steps; throws with the step and what went wrong. Gives how many calls each of the two made that change things. */
export async function takeTurns(setup: TurnsSetup): Promise<{ ours: number; theirs: number }> {
  const roll = dice(setup.seed);
  const repo = join(setup.base, 'repo');
  const tree = join(setup.base, 'tree');
  mkdirSync(tree, { recursive: true });
  chmodSync(tree, 0o755);
  const calls = { ours: 0, theirs: 0 };
  const must = (who: string, args: readonly string[], done: Outcome): string => {
    if (done.status !== 0) throw new Error(`${who}: ostree ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  };
  const world: World = {
    ...setup,
    repo,
    tree,
    roll,
    step: 0,
    pick: (list) => list[roll(list.length)]!,
    async act(...args) {
      const side = roll(2) === 0 ? 'ours' : 'theirs';
      calls[side]++;
      return must(side, args, await setup[side]([`--repo=${repo}`, ...args]));
    },
    async both(...args) {
      const said = [await setup.theirs([`--repo=${repo}`, ...args]), await setup.ours([`--repo=${repo}`, ...args])];
      // The original lists deltas in the order of the folder, ours by name; how often progress is told depends on the time.
      const text = (out: string): string =>
        args[1] === 'list' ? out.split('\n').sort().join('\n') : short(out.replace(/^fsck objects .*\n/gm, ''));
      const [theirs, ours] = said.map((one) => JSON.stringify({ ...one, stdout: text(one.stdout) }));
      if (theirs !== ours) throw new Error(`ostree ${args.join(' ')}:\n  ${theirs}\n  ${ours}`);
      return said[0]!.stdout;
    },
    async refs() {
      const all = (await world.both('refs', '--list')).split('\n');
      return all.filter((name) => name !== '' && !name.startsWith('kept/'));
    },
  };
  if (setup.mode === 'bare-split-xattrs') {
    await setup.theirs(['init', `--repo=${repo}`, '--mode=bare']);
    for (let i = 0; i < keptCommits; i++) {
      changeTree(world);
      hostFs.setxattr(tree, 'user.kept', Buffer.from(String(i)));
      await setup.theirs([`--repo=${repo}`, 'commit', '-b', `kept/${i}`, `--timestamp=@${i}`, tree]);
    }
    splitXattrs(repo);
  } else await setup.ours(['init', `--repo=${repo}`, `--mode=${setup.mode}`]);
  const total = actions.reduce((sum, [weight]) => sum + weight, 0);
  for (; world.step < setup.steps; world.step++) {
    let at = roll(total);
    const action = actions.find(([weight]) => {
      at -= weight;
      return at < 0;
    })![1];
    try {
      await action(world);
      await world.both('fsck', '-q');
      must('theirs', ['fsck'], await setup.theirs([`--repo=${repo}`, 'fsck', '-q']));
      // A commit that changes nothing leaves its empty staging folder for the next one, both programs' alike.
      const left = readdirSync(join(repo, 'tmp')).filter((name) => name !== 'cache' && !isEmptyStaging(repo, name));
      if (left.length > 0) throw new Error(`left in tmp: ${left}`);
    } catch (error) {
      throw new Error(
        `${setup.mode}, seed ${setup.seed}, step ${world.step}, ${action.name}: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }
  return calls;
}
