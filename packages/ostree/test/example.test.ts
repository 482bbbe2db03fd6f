import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('the example of the documentation runs', () => {
  const root = join(import.meta.dirname, '../../..');
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
