// What a file system that fails makes of createrepo: one typed error, and the repository of before or the new one.
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, createRepository, createRepositoryConcurrently, loadRepository } from '../src/index.ts';

const work = mkdtempSync(join(tmpdir(), 'coppice-create-errors-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

beforeAll(() => {
  for (const name of ['one', 'two'])
    writeFileSync(
      join(work, `${name}.rpm`),
      buildPackage({ name, version: '1', release: '1', arch: 'noarch', summary: name, license: 'MIT' }).bytes(),
    );
  const grown = join(work, 'grown');
  mkdirSync(grown);
  copyFileSync(join(work, 'one.rpm'), join(grown, 'one.rpm'));
  createRepository(grown);
  copyFileSync(join(work, 'two.rpm'), join(grown, 'two.rpm'));
});

/** The host's file system, whose call `failing` fails. */
function failingFs(failing: number): { fs: FileSystem; calls: string[] } {
  const calls: string[] = [];
  const fs = new Proxy(hostFs, {
    get(target, name: keyof FileSystem) {
      const call = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        calls.push(`${name} ${String(args[0])}`);
        if (calls.length - 1 === failing) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
        return call.apply(target, args);
      };
    },
  });
  return { fs, calls };
}

/** A folder of one package with its metadata, and one more package. */
function grownRepository(name: string): string {
  const dir = join(work, name);
  cpSync(join(work, 'grown'), dir, { recursive: true });
  return dir;
}

describe('createrepo where a call of the system fails', () => {
  it.each([
    ['createRepository', createRepository],
    ['createRepositoryConcurrently', createRepositoryConcurrently],
  ] as const)('%s ends in one line about a path', async (name, create) => {
    const whole = failingFs(-1);
    await create(grownRepository(`${name}-whole`), { fs: whole.fs });
    for (const [failing, call] of whole.calls.entries()) {
      const dir = grownRepository(`${name}-${failing}`);
      let error: unknown;
      try {
        await create(dir, { fs: failingFs(failing).fs });
      } catch (thrown) {
        error = thrown;
      }
      const packages = loadRepository(dir).packages.map((pkg) => pkg.name);
      // The general way comes after the quick one, and what cannot be read of old metadata is not missed.
      if (error === undefined) expect(packages, call).toEqual(['one', 'two']);
      else {
        expect(error, call).toBeInstanceOf(CoppiceError);
        expect((error as CoppiceError).code, call).toBe('Io');
        expect((error as CoppiceError).message, call).toMatch(/^\/[^\n]*: Input\/output error$/);
        expect([['one'], ['one', 'two']], call).toContainEqual(packages);
      }
      expect(readdirSync(join(dir, 'repodata')).filter((file) => file.startsWith('.'))).toEqual([]);
    }
  });

  it('says which folder is not there', () => {
    const missing = join(work, 'missing');
    expect(() => createRepository(missing)).toThrow(`${missing}: No such file or directory`);
    const outputDir = join(work, 'nowhere');
    const dir = grownRepository('elsewhere');
    expect(() => createRepository(dir, { outputDir })).toThrow(`${outputDir}/repodata: No such file or directory`);
  });
});
