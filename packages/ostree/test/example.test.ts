import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

test('the example of the documentation runs', () => {
  const said = execFileSync(process.execPath, ['--conditions=source', join(root, 'examples/ostree/library.ts')], {
    encoding: 'utf8',
  });
  expect(said.split('\n')).toEqual([
    'directory /',
    'directory /etc',
    'file /etc/motd',
    'Hello again',
    'modified /etc/motd',
    'Hello again',
    '2 commits, no errors',
    '',
  ]);
});

test('every example in docs/ostree.md runs and prints what it says', () => {
  const text = readFileSync(join(root, 'docs/ostree.md'), 'utf8');
  const blocks = Array.from(text.matchAll(/^```ts\n(.*?)^```$/gms), (match) => match[1]!);
  expect(blocks.length).toBeGreaterThan(7);
  const folder = mkdtempSync(join(tmpdir(), 'docs-ostree-'));
  try {
    for (const block of blocks) {
      const wanted = Array.from(block.matchAll(/(?:^|; )\/\/ (.*)$/gm), (match) => match[1]!);
      // Modules of their own; packages are found from the root of the repository.
      const options = [
        '--conditions=source',
        '--input-type=module-typescript',
        '--disable-warning=ExperimentalWarning',
      ];
      const done = spawnSync(process.execPath, [...options, '-e', block.replaceAll('/srv/', `${folder}/`)], {
        cwd: root,
        encoding: 'utf8',
      });
      expect(done.stderr).toBe('');
      expect(done.stdout.replaceAll(`${folder}/`, '/srv/').trimEnd().split('\n')).toEqual(wanted);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
