import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inheritedStdio, takeProgressFd } from '../src/cli/progress-fd.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const schema = JSON.parse(readFileSync(new URL('../schemas/progress.schema.json', import.meta.url), 'utf8'));

/** Runs a command as a process of its own with a pipe as descriptor 3. */
function run(cwd: string, args: readonly string[]): { status: number | null; stderr: string; lines: string } {
  const done = spawnSync(process.execPath, ['--conditions=source', main, ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, COPPICE_COMPAT: 'ostree=2022.7' },
  });
  return { status: done.status, stderr: done.stderr, lines: done.output[3] ?? '' };
}

describe('--progress-fd', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'coppice-progress-'));
    mkdirSync(join(folder, 'tree'));
    writeFileSync(join(folder, 'tree/file'), 'content');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('gives a pull as JSON Lines by the schema, and the output stays what it is', () => {
    for (const args of [
      ['--repo=a', 'init', '--mode=archive'],
      ['--repo=b', 'init', '--mode=bare-user'],
      ['--repo=a', 'commit', '-b', 'main', '--fsync=no', 'tree'],
    ])
      expect(run(folder, ['ostree', ...args])).toMatchObject({ status: 0, lines: '' });
    const pulled = run(folder, ['ostree', '--progress-fd=3', '--repo=b', 'pull-local', 'a']);
    expect(pulled).toMatchObject({ status: 0, stderr: '' });
    const events = pulled.lines
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; text?: string });
    const validate = new Ajv2020({ strict: false }).compile(schema);
    for (const event of events) expect(validate(event), JSON.stringify([event, validate.errors])).toBe(true);
    expect(events[0]).toEqual({ type: 'begin', step: 'pull' });
    expect(events.at(-1)).toMatchObject({ type: 'end', step: 'pull', text: expect.stringMatching(/^\d+ metadata, /) });
  });

  it('refuses what is no open descriptor, in one line', () => {
    for (const value of ['', 'x', '-1', '256', '200', '3.0']) {
      expect(() => takeProgressFd([`--progress-fd=${value}`])).toThrow(
        value === '200' ? '--progress-fd=200: that descriptor is not open' : 'a descriptor from 0 to 255',
      );
    }
    const refused = run(folder, ['ostree', '--progress-fd=99', 'refs']);
    expect(refused).toMatchObject({ status: 1, stderr: 'error: --progress-fd=99: that descriptor is not open\n' });
  });

  it('leaves words behind -- alone', () => {
    expect(takeProgressFd(['exec', '--', '--progress-fd=9'])).toEqual({ args: ['exec', '--', '--progress-fd=9'] });
    expect(takeProgressFd(['a', '--progress-fd=1', 'b']).args).toEqual(['a', 'b']);
  });

  it('keeps its number in a child', () => {
    const progress = (): void => {};
    expect(inheritedStdio({ fd: 5, progress })).toEqual(['inherit', 'inherit', 'inherit', 'ignore', 'ignore', 5]);
    expect(inheritedStdio({ fd: 2, progress })).toEqual(inheritedStdio(undefined));
  });
});
