// `coppice repo publish` to a folder and `coppice repo create`, killed before system calls that change something: whoever reads
// finds the old state or the new one whole, another run finishes, and nothing is left over. COPPICE_PUBLISH_KILLS=100 makes
// so many kills of each.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '../../scripts/build.ts';
import { original, originalOutput, scratch, skipReason } from './ostree-support.ts';
import { randomFrom } from './pull-fault-server.ts';

const kills = Number(process.env['COPPICE_PUBLISH_KILLS'] ?? 2);
const root = join(import.meta.dirname, '../..');
const changing = ['openat', 'rename', 'renameat', 'renameat2', 'link', 'unlink', 'unlinkat', 'mkdir', 'rmdir', 'fsync'];
const moreChanging = ['copy_file_range', 'sendfile', 'write', 'pwrite64', 'ftruncate', 'fchmod', 'utimensat'];
const traced = [...changing, ...moreChanging, 'fcntl'];

describe.skipIf(skipReason !== undefined)(`publishing, killed (${skipReason ?? `${kills} times each`})`, () => {
  const work = scratch();
  const at = (name: string): string => join(work.path, name);
  const dist = join(root, 'node_modules', `.publish-kill-${process.pid}`);
  const env = { ...process.env, COPPICE_DIST: dist };

  function coppice(args: readonly string[], before: readonly string[] = []): ReturnType<typeof spawnSync> {
    const [program, ...rest] = [...before, join(root, 'bin/coppice'), ...args] as [string, ...string[]];
    return spawnSync(program, rest, { encoding: 'utf8', env });
  }

  /** The calls that touch `place`, each with its number among those of its name and thread. */
  function callsOf(args: readonly string[], place: string): [name: string, nth: number][] {
    const done = coppice(args, ['strace', '-f', '-qq', '-o', at('trace'), '-e', `trace=${traced.join(',')}`]);
    expect(`${done.status} ${done.stderr}`).toBe('0 ');
    const out: [string, number][] = [];
    const seen = new Map<string, number>();
    let begun = false;
    for (const line of readFileSync(at('trace'), 'utf8').split('\n')) {
      const found = /^(\d+) +(\w+)\((.*)/.exec(line);
      if (found === null || !traced.includes(found[2]!)) continue;
      const thread = `${found[1]} ${found[2]}`;
      const nth = (seen.get(thread) ?? 0) + 1;
      seen.set(thread, nth);
      begun ||= found[3]!.includes(place);
      // Before that there is only the start of the program.
      if (begun) out.push([found[2]!, nth]);
    }
    return out;
  }

  /** Kills at seeded calls, each time from `fresh`; `check` sees what is left, `finish` what another run makes of it. */
  function killing(
    args: readonly string[],
    place: string,
    fresh: () => void,
    check: () => void,
    finish: () => void,
  ): number {
    fresh();
    const calls = callsOf(args, place);
    expect(calls.length).toBeGreaterThan(30);
    finish();
    const random = randomFrom(7);
    let killed = 0;
    for (let i = 0; i < kills; i++) {
      const [name, nth] = calls[Math.floor(((i + random()) / kills) * calls.length)]!;
      fresh();
      const inject = ['-e', `trace=${name}`, '-e', `inject=${name}:signal=KILL:when=${nth}`];
      const done = coppice(args, ['strace', '-f', '-qq', '-o', '/dev/null', ...inject]);
      if (done.signal === 'SIGKILL' || done.status === 137) killed++;
      check();
      const again = coppice(args);
      expect(`${name} ${nth}: ${again.status} ${again.stderr}`).toBe(`${name} ${nth}: 0 `);
      finish();
    }
    return killed;
  }

  beforeAll(async () => {
    await bundle(dist);
  });
  afterAll(() => {
    rmSync(dist, { recursive: true, force: true });
    work.remove();
  });

  test.each(['to an empty folder', 'a second release'])('repo publish, %s', (kind) => {
    const name = kind.replaceAll(' ', '-');
    const [source, target, held] = [at(`source-${name}`), at(`target-${name}`), at(`held-${name}`)];
    const tree = at(`tree-${name}`);
    originalOutput('init', `--repo=${source}`, '--mode=archive');
    mkdirSync(tree);
    mkdirSync(held);
    const release = (n: number): string => {
      for (let i = 0; i < 6; i++) appendFileSync(join(tree, `file${i}`), `release ${n} of ${i}\n`);
      originalOutput(`--repo=${source}`, 'commit', '-b', 'stable', `--timestamp=@${n}`, tree);
      if (n > 1)
        originalOutput(`--repo=${source}`, 'static-delta', 'generate', ...(before === '' ? ['--empty'] : []), 'stable');
      originalOutput(`--repo=${source}`, 'summary', '-u');
      return originalOutput(`--repo=${source}`, 'rev-parse', 'stable').trim();
    };
    let before = '';
    if (kind !== 'to an empty folder') {
      before = release(1);
      expect(coppice(['repo', 'publish', source, held]).status).toBe(0);
    }
    const after = release(2);
    const args = ['repo', 'publish', source, target];
    const newest = (): string => {
      const ref = join(target, 'refs/heads/stable');
      return existsSync(ref) ? readFileSync(ref, 'utf8').trim() : '';
    };
    const check = (): void => {
      expect([before, after]).toContain(newest());
      const summary = join(target, 'summary');
      const shown = existsSync(summary) ? original('summary', '-v', `--repo=${target}`).stdout : '';
      const named = /^ {6}([0-9a-f]{64})$/m.exec(shown)?.[1] ?? '';
      expect([before, after]).toContain(named);
      // A summary is never ahead of the ref, and both lead to whole commits.
      if (named === after) expect(newest()).toBe(after);
      for (const commit of new Set([newest(), named].filter((found) => found !== ''))) {
        rmSync(at('reader'), { recursive: true, force: true });
        originalOutput('init', `--repo=${at('reader')}`, '--mode=bare-user');
        const pulled = original(`--repo=${at('reader')}`, 'pull-local', '--untrusted', target, commit);
        expect(`${pulled.status} ${pulled.stderr}`).toBe('0 ');
        expect(original(`--repo=${at('reader')}`, 'fsck', '-q').status).toBe(0);
      }
    };
    const killed = killing(
      args,
      target,
      () => {
        rmSync(target, { recursive: true, force: true });
        cpSync(held, target, { recursive: true });
      },
      check,
      () => {
        check();
        expect(newest()).toBe(after);
        // What the original reads it as adds a folder of its own.
        expect(
          readdirSync(target)
            .filter((part) => part !== 'tmp' && part !== 'extensions' && part !== 'state' && part !== '.lock')
            .sort(),
        ).toEqual(
          ['config', 'deltas', 'delta-indexes', 'objects', 'refs', 'summary']
            .filter((part) => existsSync(join(source, part)))
            .sort(),
        );
        expect(readdirSync(target, { recursive: true }).filter((file) => String(file).includes('.part'))).toEqual([]);
      },
    );
    expect(killed).toBeGreaterThanOrEqual(kills / 2);
  });

  test('what a killed run left goes, even where there is nothing to send', () => {
    const [source, target] = [at('source-a-second-release'), at('left')];
    for (const sent of [true, false]) {
      mkdirSync(join(target, '.publish'), { recursive: true });
      for (const name of ['lock', '0']) writeFileSync(join(target, '.publish', name), 'left over');
      const done = coppice(['repo', 'publish', source, target]);
      expect(done).toMatchObject({
        status: 0,
        stderr: '',
        stdout: expect.stringMatching(sent ? /, 0 were/ : /^0 files/),
      });
      expect(existsSync(join(target, '.publish'))).toBe(false);
    }
  });

  test('two runs at a time: one goes on, the other says why not', () => {
    const [source, target] = [at('source-a-second-release'), at('both')];
    mkdirSync(join(target, '.publish'), { recursive: true });
    const fd = openSync(join(target, '.publish/lock'), 'w');
    expect(hostFs.tryLock(fd, 'exclusive')).toBe(true);
    const refused = coppice(['repo', 'publish', source, target]);
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining(`another run publishes to ${target}`) });
    closeSync(fd);
    expect(coppice(['repo', 'publish', source, target])).toMatchObject({ status: 0, stderr: '' });
  });

  test.each(['the first', 'another'])('repo create, %s', (kind) => {
    const name = kind.replaceAll(' ', '-');
    const [target, held] = [at(`rpms-${name}`), at(`rpms-held-${name}`)];
    mkdirSync(held);
    const groups = (text: string): void => writeFileSync(join(held, 'groups.xml'), `<comps><!-- ${text} --></comps>\n`);
    groups('old');
    const args = (dir: string): string[] => ['repo', 'create', '--groupfile', 'groups.xml', dir];
    if (kind === 'another') expect(coppice(args(held)).status).toBe(0);
    const old = kind === 'another' ? readFileSync(join(held, 'repodata/repomd.xml'), 'utf8') : '';
    groups('new, and longer');
    const check = (): void => {
      const index = join(target, 'repodata/repomd.xml');
      const text = existsSync(index) ? readFileSync(index, 'utf8') : '';
      if (text === '') expect(old).toBe('');
      const names = [
        ...text.matchAll(/<checksum type="sha256">([0-9a-f]{64})<\/checksum>[\s\S]*?<location href="([^"]+)"/g),
      ];
      expect(names.length > 0).toBe(text !== '');
      for (const [, checksum, href] of names) {
        const digest = createHash('sha256').update(readFileSync(join(target, href!)));
        expect(`${href} ${digest.digest('hex')}`).toBe(`${href} ${checksum}`);
      }
    };
    const killed = killing(
      args(target),
      'repodata',
      () => {
        rmSync(target, { recursive: true, force: true });
        cpSync(held, target, { recursive: true, preserveTimestamps: true });
      },
      check,
      () => {
        check();
        expect(readFileSync(join(target, 'repodata/repomd.xml'), 'utf8')).not.toBe(old);
        const all = readdirSync(target, { recursive: true }).map(String);
        expect(all.filter((file) => /(^|\/)\./.test(file))).toEqual([]);
      },
    );
    expect(killed).toBeGreaterThanOrEqual(kills / 2);
  });
});
