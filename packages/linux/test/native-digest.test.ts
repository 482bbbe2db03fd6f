import { hash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hashBytes, hasNativeDigest, nativeDigest, pieceDigest } from '../src/index.ts';

const dir = mkdtempSync(join(tmpdir(), 'coppice-digest-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const present = hasNativeDigest('sha256');

/** The digest of a file with this content, in pieces of `length`; `free` is called twice. */
async function digestOf(algorithm: string, content: Uint8Array, name: string, length = 100_000): Promise<string> {
  const path = join(dir, name);
  writeFileSync(path, content);
  const fd = openSync(path, 'r');
  const digest = nativeDigest(algorithm, fd)!;
  try {
    const buffer = Buffer.alloc(length);
    let size = 0;
    for (let n = -1; n !== 0; size += n) n = await digest.update(buffer);
    expect(size).toBe(content.length);
    return digest.hex();
  } finally {
    digest.free();
    digest.free();
    closeSync(fd);
  }
}

describe.skipIf(!present)("digests on Node's threads (skipped where OpenSSL's functions cannot be called)", () => {
  it('are those that node:crypto makes of the same files', async () => {
    for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512'])
      for (const size of [0, 1, 100_000, 1_234_567]) {
        const content = randomBytes(size);
        expect(await digestOf(algorithm, content, 'one')).toBe(hash(algorithm, content));
        expect(hashBytes(algorithm, content)).toBe(hash(algorithm, content));
        const digest = pieceDigest(algorithm);
        for (let at = 0; at < size; at += 70_000) digest.update(content.subarray(at, at + 70_000));
        expect(digest.hex()).toBe(hash(algorithm, content));
      }
  });

  it('are made by node:crypto where OpenSSL is not asked for an algorithm', () => {
    const digest = pieceDigest('sha512-256');
    digest.update(Buffer.from('ab'));
    digest.update(Buffer.from('c'));
    expect(digest.hex()).toBe(hash('sha512-256', Buffer.from('abc')));
  });

  it('run side by side', async () => {
    const content = randomBytes(1_000_000);
    const all = Array.from({ length: 8 }, (_, i) => digestOf('sha256', content, `file${i}`));
    expect(new Set(await Promise.all(all))).toEqual(new Set([hash('sha256', content)]));
  });

  it('end with an error where a file cannot be read', async () => {
    const fd = openSync(dir, 'r');
    const digest = nativeDigest('sha256', fd)!;
    await expect(digest.update(Buffer.alloc(10))).rejects.toMatchObject({ code: 'EIO' });
    digest.free();
    closeSync(fd);
  });

  it('know no made-up algorithm', () => {
    expect(hasNativeDigest('sha257')).toBe(false);
    expect(nativeDigest('sha257', 0)).toBeUndefined();
  });
});
