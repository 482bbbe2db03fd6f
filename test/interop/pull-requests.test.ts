// What a pull asks the server for: the same set of paths as the original asks for, and the same words at the end.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type StaticServer, serveStatic } from '@coppice/http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ours } from './ostree-runners.ts';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

interface Done {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The original beside this process, which serves it. */
function theirs(args: readonly string[]): Promise<Done> {
  return new Promise((done) => {
    execFile('ostree', [...args], { env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' } }, (error, stdout, stderr) =>
      done({ status: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
  });
}

describe.skipIf(skipReason !== undefined)(`requests of a pull (${skipReason ?? 'ostree found'})`, () => {
  const work = scratch();
  const at = (name: string): string => join(work.path, name);
  const servers: StaticServer[] = [];
  const commits: string[] = [];
  let log: string[] = [];
  let [plain, full] = ['', ''];

  async function serve(repo: string): Promise<string> {
    const server = await serveStatic(repo, {
      onRequest: ({ path, status }) => log.push(`${status} ${path}`),
    });
    servers.push(server);
    return server.url.replace(/\/$/, '');
  }

  beforeAll(async () => {
    const repo = `--repo=${at('plain')}`;
    originalOutput('init', repo, '--mode=archive');
    for (let i = 0; i < 3; i++) {
      mkdirSync(at('tree/usr/bin'), { recursive: true });
      mkdirSync(at('tree/etc/deep'), { recursive: true });
      writeFileSync(at('tree/usr/bin/tool'), `tool ${i}\n`.repeat(3000));
      writeFileSync(at('tree/usr/same'), 'the same\n');
      writeFileSync(at(`tree/etc/deep/new${i}`), `new ${i}\n`);
      originalOutput(repo, 'commit', '-b', 'main', '-s', `c${i}`, `--timestamp=@${1_700_000_000 + i}`, at('tree'));
      commits.push(originalOutput(repo, 'rev-parse', 'main').trim());
    }
    originalOutput(repo, 'commit', '-b', 'other', '--timestamp=@1700000009', at('tree/etc'));
    cpSync(at('plain'), at('full'), { recursive: true });
    const second = `--repo=${at('full')}`;
    originalOutput(second, 'static-delta', 'generate', `--from=${commits[1]}`, `--to=${commits[2]}`);
    originalOutput(second, 'static-delta', 'generate', '--empty', `--to=${commits[2]}`);
    originalOutput(second, 'summary', '-u');
    plain = await serve(at('plain'));
    full = await serve(at('full'));
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    work.remove();
  });

  interface Case {
    readonly name: string;
    readonly summary?: boolean;
    readonly mode?: string;
    /** Brought there by the original from the folder first: `REF@COMMIT` of the remote. */
    readonly before?: (repo: string) => void;
    readonly pull: (commits: readonly string[]) => string[];
  }

  const have = (index: number) => (repo: string) => {
    originalOutput(`--repo=${repo}`, 'pull-local', '--remote=o', at('plain'), commits[index]!);
    originalOutput(`--repo=${repo}`, 'refs', `--create=o:main`, commits[index]!);
  };
  const cases: Case[] = [
    { name: 'a ref', pull: () => ['o', 'main'] },
    { name: 'a ref of a repository with summary', summary: true, pull: () => ['o', 'other'] },
    { name: 'two refs', summary: true, pull: () => ['--disable-static-deltas', 'o', 'main', 'other'] },
    { name: 'a scratch delta', summary: true, pull: () => ['o', 'main'] },
    { name: 'a delta between two', summary: true, before: have(1), pull: () => ['o', 'main'] },
    { name: 'no delta from what is here', summary: true, before: have(0), pull: () => ['o', 'main'] },
    { name: 'everything is here, with deltas', summary: true, before: have(2), pull: () => ['o', 'main'] },
    { name: 'everything is here', before: have(2), pull: () => ['o', 'main'] },
    { name: 'an older commit is here', before: have(1), pull: () => ['o', 'main'] },
    { name: 'deltas required', summary: true, before: have(1), pull: () => ['--require-static-deltas', 'o', 'main'] },
    { name: 'deltas required, there are none', before: have(1), pull: () => ['--require-static-deltas', 'o', 'main'] },
    { name: 'a mirror of a ref', mode: 'archive', pull: () => ['--mirror', 'o', 'main'] },
    { name: 'a mirror of all', summary: true, mode: 'archive', pull: () => ['--mirror', 'o'] },
    { name: 'a mirror of all without summary', mode: 'archive', pull: () => ['--mirror', 'o'] },
    { name: 'an archive that is no mirror', summary: true, mode: 'archive', pull: () => ['o', 'main'] },
    { name: 'one parent', pull: () => ['--depth=1', 'o', 'main'] },
    { name: 'all parents', summary: true, pull: () => ['--depth=-1', '--disable-static-deltas', 'o', 'main'] },
    { name: 'a part of the tree', pull: () => ['--subpath=/etc', 'o', 'main'] },
    { name: 'a part, with deltas there', summary: true, pull: () => ['--subpath=/usr/same', 'o', 'main'] },
    { name: 'the commit alone', pull: () => ['--commit-metadata-only', 'o', 'main'] },
    { name: 'the commit alone, with deltas there', summary: true, pull: () => ['--commit-metadata-only', 'o', 'main'] },
    { name: 'a commit by checksum', pull: (c) => ['o', c[1]!] },
    { name: 'a commit by checksum with deltas', summary: true, pull: (c) => ['o', c[2]!] },
    { name: 'a commit by checksum, deltas off', summary: true, pull: (c) => ['--disable-static-deltas', 'o', c[1]!] },
    { name: 'a ref at a commit', pull: (c) => ['o', `main@${c[0]}`] },
    { name: 'a local cache', pull: () => ['-L', at('cache'), 'o', 'main'] },
    { name: 'an unknown ref', pull: () => ['o', 'none'] },
    { name: 'an unknown ref with summary', summary: true, pull: () => ['o', 'none'] },
  ];

  /** The figures of the last line that depend on time. */
  const words = (text: string): string =>
    text
      .replace(/in \d+ seconds/, 'in N seconds')
      .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')
      .replaceAll(/side-(ours|theirs)/g, 'SIDE');

  async function side(name: 'ours' | 'theirs', c: Case): Promise<{ asked: string[]; done: Done }> {
    const repo = at(`side-${name}`);
    rmSync(repo, { recursive: true, force: true });
    rmSync(at('cache'), { recursive: true, force: true });
    originalOutput('init', `--repo=${repo}`, `--mode=${c.mode ?? 'bare-user'}`);
    originalOutput('init', `--repo=${at('cache')}`, '--mode=archive');
    originalOutput(`--repo=${at('cache')}`, 'pull-local', at('plain'), commits[1]!);
    originalOutput(`--repo=${repo}`, 'remote', 'add', '--no-gpg-verify', 'o', c.summary === true ? full : plain);
    c.before?.(repo);
    log = [];
    const args = [`--repo=${repo}`, 'pull', ...c.pull(commits)];
    const done = name === 'ours' ? await ours(args) : await theirs(args);
    // The last answer may still be on its way into the log.
    await new Promise((next) => setImmediate(next));
    // 2022.7 races its deltas: it fetches some objects of the same commit again one by one.
    const delta = log.some((line) => /^200 \/deltas\/.*\/0$/.test(line));
    const counts = (line: string): boolean => !delta || !/\.(filez|dirtree|dirmeta)$/.test(line);
    return { asked: [...new Set(log)].filter(counts).sort(), done };
  }

  test.each(cases)('$name', async (c) => {
    const expected = await side('theirs', c);
    const actual = await side('ours', c);
    expect(actual.asked).toEqual(expected.asked);
    expect(actual.done.status === 0).toBe(expected.done.status === 0);
    expect(words(actual.done.stderr)).toBe(words(expected.done.stderr));
  });
});
