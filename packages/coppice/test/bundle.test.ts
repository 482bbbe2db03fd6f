import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '../../../scripts/build.ts';

const root = join(import.meta.dirname, '../../..');

describe('the bundle', () => {
  let work: string;
  let dist: string;

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'bundle-'));
    dist = join(work, 'dist');
    await bundle(dist);
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  const run = (name: string, ...args: string[]): { status: number | null; out: string; err: string } => {
    const done = spawnSync(process.execPath, [join(dist, 'main.cjs'), name, ...args], { encoding: 'utf8' });
    return { status: done.status, out: done.stdout, err: done.stderr };
  };
  const kept = (): string[] => {
    try {
      return readdirSync(join(dist, '.cache'));
    } catch {
      return [];
    }
  };

  test('keeps compiled code per command, after runs that went well', () => {
    expect(run('ostree', 'no-such-verb').status).toBe(1);
    expect(kept()).toEqual([]);
    const first = run('ostree', 'init', `--repo=${join(work, 'repo')}`);
    expect(first).toEqual({ status: 0, out: '', err: '' });
    expect(run('ostree', `--repo=${join(work, 'repo')}`, 'refs')).toEqual({ status: 0, out: '', err: '' });
    expect(kept().map((name) => name.split('.').slice(2).join('.'))).toEqual(['init.code', 'refs.code']);
    expect(run('ostree', `--repo=${join(work, 'repo')}`, 'refs')).toEqual({ status: 0, out: '', err: '' });
  });

  test('says the same as the sources', () => {
    for (const [name, ...args] of [
      ['ostree', '--version'],
      ['ostree', 'admin', 'os-init', '--help'],
      ['rpm-ostree', '--version'],
      ['coppice', '--help'],
      ['butane', '--help'],
      ['ignition-validate', '--version'],
      ['ostree', 'no-such-verb'],
    ] as const) {
      const main = join(root, 'packages/coppice/src/main.ts');
      const source = spawnSync(process.execPath, ['--conditions=source', main, name, ...args], { encoding: 'utf8' });
      expect(run(name, ...args)).toEqual({ status: source.status, out: source.stdout, err: source.stderr });
    }
  });

  test('loads the HTTP client beside it, and answers with a plain error', () => {
    const pulled = run('ostree', `--repo=${join(work, 'repo')}`, 'remote', 'add', 'r', 'http://127.0.0.1:9/');
    expect(pulled.status).toBe(0);
    const { status, err } = run('ostree', `--repo=${join(work, 'repo')}`, 'pull', 'r', 'main');
    expect(status).toBe(1);
    expect(err).toContain('error: ');
    expect(err).not.toContain('undici');
  });

  test('refuses an unknown program', () => {
    expect(run('nope')).toEqual({ status: 127, out: '', err: 'coppice: no program named "nope"\n' });
  });

  test('is ASCII, so that it can be read without decoding', () => {
    for (const name of readdirSync(dist).filter((file) => file.endsWith('.cjs'))) {
      expect(readFileSync(join(dist, name)).every((byte) => byte < 128)).toBe(true);
    }
  });

  test('runs where nothing can be kept', () => {
    rmSync(join(dist, '.cache'), { recursive: true, force: true });
    chmodSync(dist, 0o555);
    try {
      expect(run('butane', '--version').status).toBe(0);
    } finally {
      chmodSync(dist, 0o755);
    }
  });
});
