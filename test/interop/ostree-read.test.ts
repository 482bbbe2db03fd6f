// What reading verbs say, word for word: the help of everything at two levels, odd paths, and what fsck names.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@coppice/base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Context, Exit, memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run } from '../../packages/coppice/src/ostree/main.ts';
import { skipReason } from './ostree-support.ts';
import { newestRoot } from './sysroot-support.ts';

interface Outcome {
  readonly status: number;
  readonly output: string;
}

const base = mkdtempSync(join(tmpdir(), 'interop-read-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', TZ: 'UTC', HOME: base };

/** Both outputs together; the usage line has the program's name as it was called. */
function original(program: string, args: readonly string[]): Outcome {
  const done = spawnSync('sh', ['-c', 'exec "$0" "$@" 2>&1', program, ...args], { cwd: base, env, encoding: 'utf8' });
  return { status: done.status ?? -1, output: done.stdout.replace(/^( {2})\S*\/ostree /m, '$1ostree ') };
}

async function ours(args: readonly string[], level = '2022.7'): Promise<Outcome> {
  const out = memoryOutput();
  const context: Context = {
    program: 'ostree',
    env: { ...env, COPPICE_COMPAT: `ostree=${level}` },
    cwd: base,
    stdin: { isTTY: false },
    stdout: out,
    stderr: out,
  };
  try {
    return { status: await run(context, args), output: out.text };
  } catch (error) {
    if (error instanceof Exit) return { status: error.status, output: out.text };
    return { status: 1, output: `${out.text}error: ${messageOf(error)}\n` };
  }
}

const newest = newestRoot === undefined ? undefined : join(newestRoot, '../bin/ostree');
const judges: [string, string | undefined][] = [
  ['2022.7', skipReason === undefined ? 'ostree' : undefined],
  ['2026.4', newest],
];

describe.each(judges)('help at level %s', (level, judge) => {
  it.skipIf(judge === undefined)("is the original's for every verb, also for hidden ones", async () => {
    const compare = async (words: readonly string[]): Promise<string> => {
      const wanted = original(judge!, [...words, '--help']);
      expect([words, await ours([...words, '--help'], level)]).toEqual([words, wanted]);
      return wanted.output;
    };
    const below = async (words: readonly string[]): Promise<number> => {
      const help = await compare(words);
      const list = /Commands:\n((?: {2}\S.*\n)+)/.exec(help)?.[1] ?? '';
      let count = 1;
      for (const [, name] of list.matchAll(/^ {2}(\S+)/gm)) count += await below([...words, name!]);
      return count;
    };
    expect(await below([])).toBeGreaterThan(50);
    for (const hidden of ['finalize-staged', 'boot-complete', 'lock-finalization', 'state-overlay', 'no-such']) {
      await compare(['admin', hidden]);
    }
  });
});

describe.skipIf(skipReason !== undefined)('odd paths in a commit', () => {
  const repo = join(base, 'paths');
  beforeAll(() => {
    const tree = join(base, 'tree');
    mkdirSync(join(tree, 'd/e'), { recursive: true });
    for (const name of ['g', 'd/e/f']) writeFileSync(join(tree, name), `${name}\n`);
    const links = {
      l: 'd',
      two: 'd/rel',
      self: '.',
      loop: 'loop',
      dbl: 'd//e/f',
      'd/up': '../g',
      'd/abs': '/g',
      'd/rel': 'e/f',
    };
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(tree, name));
    original('ostree', ['init', `--repo=${repo}`, '--mode=archive']);
    original('ostree', ['commit', `--repo=${repo}`, '-b', 'main', tree]);
  });

  const paths = [
    ...['', '/', '.', '..', '//', '///', '////', '///d', 'd', 'd/', '/d/', '/d//', 'd///', 'd//e', '/d//g', '/d//d//e'],
    ...[
      '/d/../g',
      '/d/..',
      '../d',
      'd/./e',
      '/./d',
      '//d',
      '/..//d',
      '/d//..',
      '/g/',
      '/g/.',
      '/g/..',
      '/g/../d',
      '/g/x',
    ],
    ...['/l', '/l/', '/l/e', '/nope', '/nope/', 'nope/..', 'd/e/f/', '/d/e/f/../f', 'd/../nope', '/d/e/f'],
    ...['/two', '/self', '/loop', '/dbl', '/d/up', '/d/abs', '/d/rel'],
  ];
  it.each([['ls'], ['ls', '-R'], ['ls', '-d', '-C'], ['ls', '--nul-filenames-only'], ['cat']])(
    '%s %s',
    async (...verb) => {
      for (const path of paths) {
        // The original follows a link to itself until its stack ends.
        if (verb[0] === 'cat' && path === '/loop') continue;
        const args = [...verb, `--repo=${repo}`, 'main', '--', path];
        expect([path, await ours(args)]).toEqual([path, original('ostree', args)]);
      }
    },
  );

  it('checkout --subpath', async () => {
    const out = join(base, 'out');
    const picture = (): string[] => {
      // Not Node's recursive listing, which follows links, here for ever.
      const found = existsSync(out)
        ? spawnSync('find', [out, '-printf', '%P %y %l\\n'], { encoding: 'utf8' }).stdout
        : 'none';
      const list = found.split('\n').sort();
      rmSync(out, { recursive: true, force: true });
      return list;
    };
    for (const more of [[], ['--allow-noent']]) {
      for (const path of paths) {
        const args = ['checkout', '-U', ...more, `--repo=${repo}`, `--subpath=${path}`, 'main', out];
        const wanted = [path, original('ostree', args), picture()];
        expect([path, await ours(args), picture()]).toEqual(wanted);
      }
    }
  });
});

describe.skipIf(skipReason !== undefined)('fsck', () => {
  /** A small generator with a seed. */
  function numbers(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = Math.imul(state, 48271) >>> 1;
      return (state >>> 8) % below;
    };
  }

  it.each([1, 2, 3])('names the commits of damaged objects as the original does (seed %i)', async (seed) => {
    const number = numbers(seed);
    const [repo, copy, tree] = ['repo', 'copy', 'tree'].map((name) => join(base, `fsck${seed}`, name)) as [
      string,
      string,
      string,
    ];
    mkdirSync(tree, { recursive: true });
    original('ostree', ['init', `--repo=${repo}`, '--mode=archive']);
    for (let i = 0; i < 20; i++) {
      rmSync(tree, { recursive: true });
      mkdirSync(tree);
      for (const folder of ['.', 'a', 'b', 'a/x', 'c/y/z']) {
        if (number(3) === 0) continue;
        mkdirSync(join(tree, folder), { recursive: true, mode: number(3) === 0 ? 0o700 : 0o755 });
        for (const name of ['f', 'g'])
          if (number(2) === 0) writeFileSync(join(tree, folder, name), `version ${number(4)}`);
      }
      original('ostree', ['commit', `--repo=${repo}`, '-b', `b${number(7)}`, `--timestamp=@${i}`, tree]);
    }
    const objects = (readdirSync(join(repo, 'objects'), { recursive: true }) as string[])
      .filter((name) => /\.(filez|dirmeta)$/.test(name))
      .sort();
    for (let i = 0; i < 5; i++) {
      const path = join(repo, 'objects', objects[number(objects.length)]!);
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1]! ^= 0x55;
      writeFileSync(path, bytes);
    }
    cpSync(repo, copy, { recursive: true });
    const lines = ({ status, output }: Outcome): unknown[] => [
      status,
      output
        .replace(/^fsck objects .*$/gm, '')
        .split('\n')
        .sort(),
    ];
    const wanted = lines(original('ostree', ['fsck', '-a', `--repo=${repo}`]));
    expect(JSON.stringify(wanted)).toContain('In commits');
    expect(lines(await ours(['fsck', '-a', `--repo=${copy}`]))).toEqual(wanted);
  });
});

describe.skipIf(skipReason !== undefined)('export', () => {
  it('of what is not there leaves the same file as the original', async () => {
    const repo = join(base, 'paths');
    const [mine, theirs] = ['mine.tar', 'theirs.tar'].map((name) => join(base, name)) as [string, string];
    for (const words of [
      ['nope'],
      ['main', '--subpath=/nope'],
      ['main', '--subpath=d/../d'],
      ['main', '--subpath=/d'],
    ]) {
      const wanted = original('ostree', ['export', `--repo=${repo}`, ...words, '-o', theirs]);
      expect(await ours(['export', `--repo=${repo}`, ...words, '-o', mine])).toEqual(wanted);
      expect(readFileSync(mine).equals(readFileSync(theirs))).toBe(true);
    }
  });
});
