import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { FileSystem } from '@coppice/base/fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostFs, StagedFiles } from '../src/index.ts';

let work: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'coppice-staged-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

/** The host's file system, whose call `failing` fails; `calls` are names with the last part of a path, random ends left out. */
function watched(failing = -1): { fs: FileSystem; calls: string[] } {
  const calls: string[] = [];
  const paths = new Map<number, string>();
  const shown = (path: string): string => basename(path).replace(/\.[0-9a-f]{8}$/, '.*');
  const fs = new Proxy(hostFs, {
    get(target, name: keyof FileSystem) {
      const call = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        const [first, second] = args;
        const what = typeof first === 'number' ? (paths.get(first) ?? '?') : shown(String(first));
        calls.push(name === 'rename' ? `rename ${what} ${shown(String(second))}` : `${name} ${what}`);
        if (calls.length - 1 === failing) throw Object.assign(new Error('ENOSPC: write'), { code: 'ENOSPC' });
        const result = call.apply(target, args);
        if (name === 'open') paths.set(result as number, what);
        return result;
      };
    },
  });
  return { fs, calls };
}

const files = ['a', 'b', 'index'].map((name) => ({ name, bytes: Buffer.from(`new ${name}`) }));

function replace(dir: string, fs: FileSystem): void {
  const staged = new StagedFiles(dir, fs);
  try {
    staged.write(files);
    staged.syncHere();
    staged.publish();
  } catch (error) {
    staged.abandon();
    throw error;
  }
}

function content(dir: string): Record<string, string> {
  return Object.fromEntries(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')]));
}

const made = { a: 'new a', b: 'new b', index: 'new index' };
const barriers = /^(fsync|syncDir|rename|mkdir) /;

describe('files that replace others together', () => {
  it('are a directory that gets its name when all in it is durable', () => {
    const dir = join(work, 'data');
    const { fs, calls } = watched();
    replace(dir, fs);
    expect(content(dir)).toEqual(made);
    expect(calls.filter((call) => barriers.test(call))).toEqual([
      'mkdir .data.*',
      'fsync a',
      'fsync b',
      'fsync index',
      'fsync .data.*',
      'rename .data.* data',
      `syncDir ${basename(work)}`,
    ]);
  });

  it('get their names before the index that names them', () => {
    const dir = join(work, 'data');
    mkdirSync(dir);
    writeFileSync(join(dir, 'index'), 'old');
    const { fs, calls } = watched();
    replace(dir, fs);
    expect(content(dir)).toEqual(made);
    expect(calls.filter((call) => barriers.test(call))).toEqual([
      'fsync .a.*',
      'fsync .b.*',
      'fsync .index.*',
      'rename .a.* a',
      'rename .b.* b',
      'syncDir data',
      'rename .index.* index',
      'syncDir data',
    ]);
  });

  it.each([true, false])('are the old or the new ones whichever call fails (directory there: %s)', (there) => {
    const whole = watched();
    for (let failing = -1; failing < whole.calls.length; failing++) {
      const dir = join(work, `data${failing}`);
      if (there) {
        mkdirSync(dir);
        writeFileSync(join(dir, 'index'), 'old');
      }
      const { fs } = failing < 0 ? whole : watched(failing);
      // Without locks it goes on.
      if (failing < 0 || whole.calls[failing]!.startsWith('tryLock')) replace(dir, fs);
      else expect(() => replace(dir, fs), whole.calls[failing]).toThrow('ENOSPC');
      const now = readdirSync(work).includes(`data${failing}`) ? content(dir) : {};
      expect(readdirSync(work).filter((name) => name.startsWith('.'))).toEqual([]);
      expect(Object.keys(now).filter((name) => name.startsWith('.'))).toEqual([]);
      if (now['index'] === 'new index') expect(now).toEqual(made);
      else expect(now['index']).toBe(there ? 'old' : undefined);
    }
  });

  it.each([true, false])('take away what a killed run left, not what another is at (directory there: %s)', (there) => {
    const dir = join(work, 'data');
    if (there) mkdirSync(dir);
    const another = new StagedFiles(dir);
    another.write(files);
    const left = there ? dir : join(work, '.data.0123abcd');
    if (!there) mkdirSync(left);
    for (const name of ['.a.00000000', '.index.ffffffff']) writeFileSync(join(left, name), 'left');
    for (const name of ['.hidden', 'b.00000000']) writeFileSync(join(there ? dir : work, name), 'own');
    const before = readdirSync(there ? dir : work);
    expect(before.length).toBe(there ? 7 : 4);
    replace(dir, hostFs);
    const after = readdirSync(there ? dir : work).filter((name) => !['a', 'b', 'index', 'data'].includes(name));
    const isLeft = (name: string): boolean => there && /^\.(a\.0{8}|index\.f{8})$/.test(name);
    expect(after).toEqual(before.filter((name) => name !== '.data.0123abcd' && !isLeft(name)));
    another.abandon();
  });

  it('are flushed side by side', async () => {
    const dir = join(work, 'data');
    const staged = new StagedFiles(dir);
    staged.write(files);
    await staged.sync();
    expect(readdirSync(work)).toEqual([expect.stringMatching(/^\.data\./)]);
    staged.publish();
    expect(content(dir)).toEqual(made);
  });
});
