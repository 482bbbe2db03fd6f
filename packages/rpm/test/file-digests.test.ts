import { hash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileDigests, type SizedPath } from '../src/repodata/file-digests.ts';

const dir = mkdtempSync(join(tmpdir(), 'coppice-file-digests-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const sizes = [
  0, 1, 55, 56, 64, 300_000, 524_288, 1_048_576, 5_000_000, 131_072, 65_537, 777, 2_000_000, 196_608, 4_300_000,
];
const contents = sizes.map((size) => randomBytes(size));
const files: SizedPath[] = [];

beforeAll(() => {
  for (const [i, content] of contents.entries()) {
    const path = join(dir, `file${i}`);
    writeFileSync(path, content);
    files.push({ path, size: content.length });
  }
  files.push({ path: join(dir, 'missing'), size: 9_000_000 }, { path: dir, size: 4096 });
});

const present = FileDigests.start([], 'sha256') !== undefined;

async function finished(digests: FileDigests): Promise<void> {
  while (digests.finished < files.length) await digests.help();
  await digests.stop();
}

describe.skipIf(!present)(
  'digests of files (skipped where there is one processor, or OpenSSL cannot be called)',
  () => {
    it.each([
      ['sha256', true],
      ['sha256', false],
      ['sha512', true],
    ] as const)('%s (in pairs: %s) are those of their contents', async (algorithm, inPairs) => {
      const digests = FileDigests.start(files, algorithm, inPairs)!;
      await finished(digests);
      for (const [i, content] of contents.entries())
        expect(digests.result(i)).toMatchObject({ digest: hash(algorithm, content), size: content.length });
      expect(() => digests.result(contents.length)).toThrow(`${join(dir, 'missing')}: No such file or directory`);
      expect(() => digests.result(contents.length + 1)).toThrow(dir);
    });

    it('end early when told so', async () => {
      const digests = FileDigests.start(files, 'sha256')!;
      await digests.stop();
      expect(digests.finished).toBeLessThanOrEqual(files.length);
      expect(digests.next()).toBeUndefined();
    });
  },
);
