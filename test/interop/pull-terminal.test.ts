// What a terminal gets while a pull runs, byte for byte: both commands on a pseudo-terminal that python3 opens.
import { spawn, spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type StaticServer, serveStatic } from '@coppice/http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

const ours = join(import.meta.dirname, '../../bin/ostree');
const collection = 'org.example.Coll';

/** Gives the terminal a width before the command starts, and prints all that comes over it. */
const onTerminal = `
import fcntl, os, pty, struct, subprocess, sys, termios
ours, theirs = pty.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(sys.argv[1]), 0, 0))
child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
os.close(theirs)
while True:
    try:
        data = os.read(ours, 65536)
    except OSError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
sys.exit(child.wait())
`;

const why = ((): string | undefined => {
  if (skipReason !== undefined) return skipReason;
  const found = spawnSync('python3', ['-c', 'import pty']).status === 0;
  if (!found && process.env['CI'] === 'true') throw new Error('python3 is missing');
  return found ? undefined : 'python3 is not installed';
})();

describe.skipIf(why !== undefined)(`a pull on a terminal (${why ?? 'ostree found'})`, () => {
  const work = scratch();
  const at = (name: string): string => join(work.path, name);
  const repo = (name: string): string => `--repo=${at(name)}`;
  let server: StaticServer;

  beforeAll(async () => {
    mkdirSync(at('tree'));
    for (let i = 0; i < 40; i++) writeFileSync(at(`tree/file${i}`), randomFillSync(Buffer.alloc(20_000)));
    mkdirSync(at('gpg'), { mode: 0o700 });
    const gpg = (...args: string[]) =>
      spawnSync('gpg', ['--homedir', at('gpg'), '--batch', '--passphrase', '', ...args], { encoding: 'utf8' }).stdout;
    gpg('--quick-gen-key', 'Terminal <terminal@example.com>', 'rsa2048');
    const key = /^fpr:+([0-9A-F]{40}):/m.exec(gpg('--list-keys', '--with-colons'))![1]!;
    gpg('--output', at('key.gpg'), '--export');
    originalOutput('init', repo('source'), '--mode=archive', `--collection-id=${collection}`);
    const sign = [`--gpg-sign=${key}`, `--gpg-homedir=${at('gpg')}`];
    originalOutput(repo('source'), 'commit', '-b', 'app', '--timestamp=@1700000000', ...sign, at('tree'));
    originalOutput(repo('source'), 'summary', '-u', ...sign);
    server = await serveStatic(at('source'), {
      // Slow enough for some lines of progress.
      intercept: (_request, response, path) => {
        if (!path.endsWith('.filez')) return false;
        setTimeout(() => response.end(readFileSync(at(`source/${path}`))), 700);
        return true;
      },
    });
  });
  afterAll(async () => {
    spawnSync('sh', ['-c', `gpgconf --homedir ${at('gpg')} --kill all`]);
    await server.close();
    work.remove();
  });

  async function run(program: string, columns: number, url: string, args: readonly string[]): Promise<string> {
    rmSync(at('client'), { recursive: true, force: true });
    originalOutput('init', repo('client'), '--mode=bare-user');
    const options = [`--collection-id=${collection}`, `--gpg-import=${at('key.gpg')}`];
    originalOutput(repo('client'), 'remote', 'add', ...options, 'origin', url);
    const env = { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC', COPPICE_SOURCE: '1', COPPICE_COMPAT: 'ostree=2022.7' };
    const command = ['-c', onTerminal, String(columns), program, repo('client'), ...args];
    const child = spawn('python3', command, { env: { ...env, OSTREE_GPG_HOME: '/nonexistent' } });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    const status = await new Promise((done) => child.on('close', done));
    return `${status} ${out}`;
  }

  // On a busy machine a pull may take long enough for lines of progress, once a second: all between the first that saves the
  // place of the cursor and the last that returns to it.
  const progress =
    /\x1b8(?:Scanning metadata|Receiving \w|Writing objects|\d+ (?:delta|metadata|content))[^\x1b\r\n]*(?=\x1b8)/g;
  const withoutProgress = (text: string): string => text.replace(progress, '');

  test.each([
    ['with a signature', 80, ['pull', 'origin', 'app']],
    ['of a ref that is not there', 80, ['pull', 'origin', 'nothing']],
    ['whose last line is longer than the terminal is wide', 40, ['pull', 'origin', 'app']],
    ['too narrow', 9, ['pull', 'origin', 'app']],
    ['from a folder', 100, ['pull-local', at('source'), 'app']],
    ['of what was found', 80, ['find-remotes', '--finders=config', '--pull', collection, 'app']],
  ] as const)('%s', async (_name, columns, args) => {
    const url = `file://${at('source')}`;
    const mine = withoutProgress(await run(ours, columns, url, args));
    expect(mine).toBe(withoutProgress(await run('ostree', columns, url, args)));
  });

  test('lines of progress, one in a second, fill the width', async () => {
    const rate = '(-|[\\d.]+\\s(bytes|kB|MB))/s [\\d.]+\\s(bytes|kB|MB)';
    const shape = new RegExp(
      `^(Receiving metadata objects: \\d+/\\(estimating\\) ${rate}|Receiving objects: \\d+% \\(\\d+/\\d+\\) ${rate}|Writing objects: \\d+|Scanning metadata: \\d+) *$`,
    );
    for (const program of ['ostree', ours]) {
      const out = await run(program, 90, server.url, ['pull', '--disable-static-deltas', 'origin', 'app']);
      const lines = out
        .slice(out.lastIndexOf('\x1b7') + 2)
        .split('\x1b8')
        .slice(1);
      const last = lines.pop()!;
      expect(last.replace(/\d+ seconds/, 'N seconds')).toMatch(
        /^4 metadata, 40 content objects fetched; \d+ KiB transferred in N seconds; 800\.0\skB content written *\r\n$/,
      );
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.length).toBeLessThan(60);
      for (const line of lines) {
        expect(line).toMatch(shape);
        expect(Buffer.byteLength(line)).toBe(90);
      }
      expect(lines.some((line) => line.startsWith('Receiving objects: '))).toBe(true);
    }
  });
});
