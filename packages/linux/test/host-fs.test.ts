import { constants, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostFs, readFile, removeTree, replaceFile } from '../src/index.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'coppice-linux-'));
});
afterEach(() => {
  removeTree(dir);
});

function codeOf(body: () => unknown): string | undefined {
  try {
    body();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return undefined;
}

describe.skipIf(process.platform !== 'linux')('hostFs on Linux', () => {
  test('extended attributes keep their bytes', () => {
    const path = join(dir, 'f');
    writeFileSync(path, 'x');
    const value = Buffer.from([0, 255, 10, 128]);
    hostFs.setxattr(path, 'user.a', value);
    hostFs.setxattr(path, 'user.empty', new Uint8Array(0));
    expect(hostFs.getxattr(path, 'user.a')).toEqual(value);
    expect(hostFs.getxattr(path, 'user.empty')).toEqual(Buffer.alloc(0));
    expect(hostFs.listxattr(path).sort()).toEqual(['user.a', 'user.empty']);
    hostFs.removexattr(path, 'user.a');
    expect(hostFs.getxattr(path, 'user.a')).toBeUndefined();
    expect(codeOf(() => hostFs.listxattr(join(dir, 'none')))).toBe('ENOENT');
  });

  test('long attributes and many names are read whole, by path and by descriptor', () => {
    const path = join(dir, 'many');
    writeFileSync(path, 'x');
    const value = Buffer.alloc(1500, 7);
    hostFs.setxattr(path, 'user.long', value);
    const names = ['user.long'];
    for (let i = 0; i < 40; i++) {
      names.push(`user.${'n'.repeat(30)}${i}`);
      hostFs.setxattr(path, names.at(-1)!, Buffer.from('v'));
    }
    expect(hostFs.getxattr(path, 'user.long')).toEqual(value);
    expect(hostFs.listxattr(path).sort()).toEqual(names.sort());
    const fd = hostFs.open(path, 0);
    try {
      expect(hostFs.flistxattr!(fd).sort()).toEqual(names);
    } finally {
      hostFs.close(fd);
    }
    expect(codeOf(() => hostFs.flistxattr!(fd))).toBe('EBADF');
  });

  test('renameNoReplace refuses, renameExchange swaps', () => {
    const [a, b] = [join(dir, 'a'), join(dir, 'b')];
    writeFileSync(a, 'A');
    writeFileSync(b, 'B');
    expect(codeOf(() => hostFs.renameNoReplace(a, b))).toBe('EEXIST');
    hostFs.renameExchange(a, b);
    expect(readFileSync(a, 'utf8') + readFileSync(b, 'utf8')).toBe('BA');
  });

  test('locks of two descriptors conflict as open-file-description locks do', () => {
    const path = join(dir, 'lock');
    const flags = constants.O_RDWR | constants.O_CREAT;
    const [one, two] = [hostFs.open(path, flags), hostFs.open(path, flags)];
    expect(hostFs.tryLock(one, 'shared')).toBe(true);
    expect(hostFs.tryLock(two, 'shared')).toBe(true);
    expect(hostFs.tryLock(two, 'exclusive')).toBe(false);
    hostFs.tryLock(one, 'unlock');
    expect(hostFs.tryLock(two, 'exclusive')).toBe(true);
    hostFs.close(one);
    hostFs.close(two);
  });

  test('syncfs, syncDir, usage and FIFOs work', () => {
    hostFs.syncfs(dir);
    hostFs.syncDir(dir);
    expect(hostFs.usage(dir).blockSize).toBeGreaterThan(0);
    hostFs.mknod(join(dir, 'fifo'), 0o010644, 0);
    expect(hostFs.lstat(join(dir, 'fifo'))!.mode & 0o170000).toBe(0o010000);
  });
});

test.skipIf(process.platform !== 'linux')(
  'a flush that began earlier leaves no descriptor open once the barrier is over (Linux only)',
  async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    const begun = [0, 1].map(() => new Promise<void>((resolve) => hostFs.beginSyncfs!(dir, resolve)));
    expect(open()).toBeGreaterThan(before);
    hostFs.syncfs(dir);
    await Promise.all(begun);
    expect(open()).toBe(before);
    hostFs.syncfs(dir);
    expect(open()).toBe(before);
  },
);

test('lstat gives undefined for what is not there', () => {
  expect(hostFs.lstat(join(dir, 'none'))).toBeUndefined();
  writeFileSync(join(dir, 'f'), '');
  expect(hostFs.lstat(join(dir, 'f', 'below'))).toBeUndefined();
});

test('replaceFile replaces in one step, sets the mode, leaves no temporary', () => {
  const path = join(dir, 'state');
  replaceFile(path, 'one');
  replaceFile(path, 'two', { mode: 0o600 });
  expect(readFile(path).toString()).toBe('two');
  expect(hostFs.lstat(path)!.mode & 0o7777).toBe(0o600);
  expect(hostFs.readdir(dir)).toEqual(['state']);
});

test('replaceFile keeps the old content when a step fails', () => {
  const path = join(dir, 'state');
  replaceFile(path, 'old');
  for (const step of ['write', 'fsync', 'rename'] as const) {
    const failing = {
      ...hostFs,
      [step]: () => {
        throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      },
    };
    expect(codeOf(() => replaceFile(path, 'new', { fs: failing }))).toBe('ENOSPC');
    expect(hostFs.readdir(dir)).toEqual(['state']);
    expect(readFile(path).toString()).toBe('old');
  }
});

test('readFile holds to its limit', () => {
  writeFileSync(join(dir, 'big'), 'x'.repeat(100));
  expect(codeOf(() => readFile(join(dir, 'big'), { limit: 99 }))).toBe('EFBIG');
  expect(readFile(join(dir, 'big'), { limit: 100 }).length).toBe(100);
});

test('removeTree takes read-only directories and odd names, and follows no link', () => {
  const outside = mkdtempSync(join(tmpdir(), 'coppice-outside-'));
  writeFileSync(join(outside, 'keep'), '');
  const tree = join(dir, 'tree');
  hostFs.mkdir(tree);
  hostFs.mkdir(join(tree, 'locked'));
  writeFileSync(join(tree, 'locked', 'f'), '');
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])]), '');
  hostFs.symlink(outside, join(tree, 'link'));
  hostFs.chmod(join(tree, 'locked'), 0o500);
  removeTree(tree);
  expect(hostFs.lstat(tree)).toBeUndefined();
  expect(hostFs.readdir(outside)).toEqual(['keep']);
  rmSync(outside, { recursive: true });
});
