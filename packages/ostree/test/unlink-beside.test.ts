import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unlinkBeside } from '../src/store/unlink-beside.ts';

const names = Array.from({ length: 1000 }, (_, i) => `f${i}`);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unlink-beside-'));
  for (const name of names) writeFileSync(join(folder, name), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

function failed(name: string, error: unknown): never {
  throw new Error(`${name}: ${(error as { code?: string }).code}`);
}

/** Counts up by as many waits as a trial has files with each look, or not at all. */
function counter(step: number): () => number {
  let count = 0;
  return () => {
    count += step;
    return count;
  };
}

describe.each([
  ['where deletions do not wait', 0],
  ['where deletions wait', 64],
] as const)('files are deleted %s', (_title, step) => {
  it('all of them, and no others', async () => {
    writeFileSync(join(folder, 'kept'), '');
    await unlinkBeside(hostFs, folder, names, failed, counter(step));
    expect(readdirSync(folder)).toEqual(['kept']);
  });

  it('up to one that cannot be, of several the first', async () => {
    for (const i of [500, 520]) rmSync(join(folder, `f${i}`));
    await expect(unlinkBeside(hostFs, folder, names, failed, counter(step))).rejects.toThrow('f500: ENOENT');
    const left = readdirSync(folder);
    expect(left.some((name) => Number(name.slice(1)) < 500)).toBe(false);
    // Those that were begun before it was known, at most.
    expect(left).toContain('f999');
  });

  it('none, few, and in a file system that is not the machine’s own', async () => {
    await unlinkBeside(hostFs, folder, [], failed, counter(step));
    await unlinkBeside(hostFs, folder, names.slice(0, 3), failed, counter(step));
    expect(readdirSync(folder)).toHaveLength(997);
    const deleted: string[] = [];
    const fs = { ...hostFs, unlink: (path: string) => void deleted.push(path) };
    await unlinkBeside(fs, folder, names, failed, counter(step));
    expect(deleted).toEqual(names.map((name) => `${folder}/${name}`));
  });
});
