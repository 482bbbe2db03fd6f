// Who may start what in a sandbox: its programs are stand-ins here, so that no namespaces are needed; setpriv is the real one.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const reason = existsSync('/usr/bin/setpriv') ? undefined : '(setpriv of util-linux is missing)';
if (reason !== undefined && process.env['CI'] === 'true') throw new Error('setpriv is missing');
const source = join(import.meta.dirname, '../src/assemble/sandbox.ts');

/** Runs one command in a sandbox and prints what came of it. */
const client = `
const { findSandboxTools, prepareScratch, runInSandbox } = await import(${JSON.stringify(source)});
const scratch = process.argv[1];
prepareScratch(scratch);
const result = await runInSandbox(findSandboxTools(process.env), { lower: [], scratch }, { argv: ['true'] });
console.log(JSON.stringify(result));
`;

describe.skipIf(reason !== undefined)(`the sandbox and its parent ${reason ?? ''}`, () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
    standIn('unshare', 'while [ "$1" != "${1#-}" ]; do shift; done; exec "$@"');
    standIn('mount', 'exit 0');
    standIn('bwrap', `echo started; touch '${join(folder, 'started')}'`);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function standIn(name: string, script: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const command = (): string[] => [
    process.execPath,
    ...['--conditions=source', '--input-type=module', '-e', client, join(folder, 'scratch')],
  ];
  const env = (): Record<string, string | undefined> => ({
    ...process.env,
    COPPICE_UNSHARE: join(folder, 'unshare'),
    COPPICE_MOUNT: join(folder, 'mount'),
    COPPICE_BWRAP: join(folder, 'bwrap'),
  });
  const run = (before: readonly string[] = []): { status: number; output: string } => {
    const [program, ...args] = [...before, ...command()];
    const { stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8', env: env() });
    expect(stderr).toBe('');
    return JSON.parse(stdout) as { status: number; output: string };
  };

  test('a command runs', () => {
    expect(run()).toMatchObject({ status: 0, output: 'started\n' });
  });

  test.skipIf(process.getuid?.() !== 0)('it does where the processes of /proc have other numbers (needs root)', () => {
    expect(run(['unshare', '--fork', '--pid'])).toMatchObject({ status: 0, output: 'started\n' });
  });

  test('a program between that stays as its parent is named', () => {
    standIn('unshare', 'while [ "$1" != "${1#-}" ]; do shift; done; "$@"');
    const { status, output } = run();
    expect([status, output]).toEqual([1, 'unshare and setpriv do not replace themselves, or the client is gone\n']);
    expect(existsSync(join(folder, 'started'))).toBe(false);
  });

  test('a client killed while the sandbox is mounted leaves no process that would start a script', async () => {
    const pids = join(folder, 'pids');
    standIn('mount', `echo $PPID $$ >'${pids}.new'; mv '${pids}.new' '${pids}'; exec sleep 600`);
    const [program, ...args] = command();
    const process_ = spawn(program!, args, { env: env(), stdio: 'ignore' });
    await expect.poll(() => existsSync(pids), { timeout: 60_000, interval: 20 }).toBe(true);
    const [shell, mounting] = readFileSync(pids, 'utf8').split(' ').map(Number);
    try {
      process_.kill('SIGKILL');
      await expect.poll(() => isAlive(shell!), { timeout: 60_000, interval: 20 }).toBe(false);
    } finally {
      process.kill(mounting!, 'SIGKILL');
    }
    expect(existsSync(join(folder, 'started'))).toBe(false);
  }, 120_000);
});

/** Not one that only waits to be taken notice of. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
