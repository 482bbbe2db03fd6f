// Calls that go wrong, made from the help of every verb: stdout, stderr and status must be those of the original.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@coppice/base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Context, Exit, memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run } from '../../packages/coppice/src/ostree/main.ts';

// OSTREE_JUDGE names another original, e.g. a script that runs 2026.4 in a chroot; its release is the level then.
const judge = process.env['OSTREE_JUDGE'] ?? 'ostree';
const version = /Version: '([^']+)'/.exec(spawnSync(judge, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
const missing = version !== '2022.7' && version !== '2026.4' && process.env['CI'] !== 'true';

const base = mkdtempSync(join(tmpdir(), 'interop-bad-flags-'));
const theirs = join(base, 'theirs');
const mine = join(base, 'mine');
const env = {
  PATH: process.env['PATH'] ?? '',
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  HOME: base,
  SOURCE_DATE_EPOCH: '1700000000',
  COPPICE_COMPAT: `ostree=${version ?? '2022.7'}`,
};

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function original(folder: string, args: readonly string[]): Outcome {
  const done = spawnSync(judge, args, { cwd: join(folder, 'cwd'), env, encoding: 'utf8', maxBuffer: 1 << 26 });
  return clean({ status: done.status ?? -1, stdout: done.stdout, stderr: done.stderr }, folder);
}

async function ours(args: readonly string[]): Promise<Outcome> {
  const stdout = memoryOutput();
  const stderr = memoryOutput();
  const cwd = join(mine, 'cwd');
  const context: Context = { program: 'ostree', env, cwd, stdin: { isTTY: false }, stdout, stderr };
  let status: number;
  try {
    status = await run(context, args);
  } catch (error) {
    status = error instanceof Exit ? error.status : 1;
    if (!(error instanceof Exit)) stderr.write(`error: ${messageOf(error)}\n`);
  }
  return clean({ status, stdout: stdout.text, stderr: stderr.text }, mine);
}

/** What differs from run to run is not compared: the folder, and the second in which a summary was made. */
function clean(outcome: Outcome, folder: string): Outcome {
  const cut = (text: string): string =>
    text
      .replaceAll(folder, 'FOLDER')
      .replace(/(ostree\.summary\.last-modified\): )[\d:T+-]+/g, '$1TIME')
      .replace(/('ostree\.summary\.last-modified': <uint64 )\d+/g, '$1TIME');
  return { status: outcome.status, stdout: cut(outcome.stdout), stderr: cut(outcome.stderr) };
}

interface Verb {
  readonly words: readonly string[];
  readonly options: readonly { readonly names: readonly string[]; readonly takesValue: boolean }[];
}

function readOptions(help: string): Verb['options'] {
  const out: Verb['options'][number][] = [];
  for (const line of help.split('\n')) {
    const found = /^ {2}(?:-(\w), )?--([a-zA-Z0-9-]+)(=?)/.exec(line);
    if (found === null) continue;
    const [, short, long, equals] = found;
    if (long === 'help' || long === 'version' || long === 'verbose') continue;
    out.push({ names: [`--${long}`, ...(short === undefined ? [] : [`-${short}`])], takesValue: equals === '=' });
  }
  return out;
}

/** Every verb below `words`, from the original's help. */
function verbsBelow(words: readonly string[]): Verb[] {
  const { stdout } = original(theirs, [...words, '--help']);
  const list = /Commands:\n((?: {2}\S.*\n)+)/.exec(stdout)?.[1];
  if (list === undefined) return [{ words, options: readOptions(stdout) }];
  return list.split('\n').flatMap((line) => {
    const name = line.trim().split(' ')[0];
    return name === undefined || name === '' ? [] : verbsBelow([...words, name]);
  });
}

function callsOf({ words, options }: Verb): string[][] {
  const place = words[0] === 'admin' ? '--sysroot=FOLDER/sys' : '--repo=FOLDER/r';
  const many = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const calls: string[][] = [
    [],
    [''],
    ['--nope'],
    ['--nope=1'],
    ['-Z'],
    ['--nope', '--help'],
    ['--version'],
    ['--version=1'],
    ['-h1'],
    ['--', '--nope'],
    many,
  ].map((rest) => [...words, place, ...rest]);
  calls.push([...words, `${place}/none`], [...words, place.split('=')[0]!]);
  for (const { names, takesValue } of options) {
    for (const name of names) {
      if (takesValue) calls.push([...words, place, name]);
      if (name.startsWith('--')) calls.push([...words, place, `${name}=zz`]);
    }
    if (takesValue) calls.push([...words, place, `${names[0]}=`], [...words, place, 'main', 'out', `${names[0]}=%`]);
    else calls.push([...words, place, names[0]!]);
  }
  return calls;
}

/** Calls in which ours differs on purpose, and why. */
const known: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [
    /^static-delta (verify|apply-offline) .*(--nope|[ =]%|a b c.*| )$/,
    "ed25519, which Debian's build lacks, is always there",
  ],
  [/^summary .*--sign=/, "ed25519, which Debian's build lacks, is always there"],
  [/--gpg-(homedir|import)=%$|--keyring=%$/, "GPGME's own words for files that are no keys"],
  [/^show .*--print-variant-type=%$/, 'a GLib warning about a failed assertion'],
  [/^remote summary .*--print-metadata-key=%$/, 'what a URL without a scheme is called'],
  [/^prune .*--delete-commit=%?$/, 'a name too short for the path of an object'],
];

describe.skipIf(missing)('calls that go wrong (needs the original ostree)', () => {
  beforeAll(() => {
    for (const part of ['cwd/dir', 'tree']) mkdirSync(join(theirs, part), { recursive: true });
    writeFileSync(join(theirs, 'cwd/file'), 'x');
    writeFileSync(join(theirs, 'tree/file'), 'text\n');
    for (const part of ['cwd', 'cwd/dir', 'tree']) chmodSync(join(theirs, part), 0o755);
    chmodSync(join(theirs, 'cwd/file'), 0o644);
    chmodSync(join(theirs, 'tree/file'), 0o644);
    original(theirs, [`--repo=${theirs}/r`, 'init', '--mode=bare-user']);
    original(theirs, [`--repo=${theirs}/r`, 'commit', '-b', 'main', '--canonical-permissions', `${theirs}/tree`]);
    mkdirSync(join(theirs, 'sys'));
    original(theirs, ['admin', 'init-fs', `${theirs}/sys`]);
    // With extended attributes, which hold the owners of a bare-user repository.
    spawnSync('cp', ['-a', theirs, mine]);
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  it('say what the original says', async () => {
    const verbs = verbsBelow([]).filter(({ words }) => words.length > 0);
    expect(verbs.length).toBeGreaterThan(50);
    const wrong: object[] = [];
    let count = 0;
    for (const call of verbs.flatMap(callsOf)) {
      const at = (folder: string): string[] => call.map((word) => word.replace('FOLDER', folder));
      const want = original(theirs, at(theirs));
      const got = await ours(at(mine));
      count++;
      if (known.some(([pattern]) => pattern.test(call.join(' ')))) continue;
      if (JSON.stringify(want) !== JSON.stringify(got)) wrong.push({ call: call.join(' '), want, got });
    }
    console.info(`${count} calls of ${verbs.length} verbs`);
    expect(wrong).toEqual([]);
  });
});
