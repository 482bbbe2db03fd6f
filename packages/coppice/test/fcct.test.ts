import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run as runFcct } from '../src/butane/fcct.ts';
import { run as runButane } from '../src/butane/main.ts';
import { memoryOutput } from '../src/cli/context.ts';

let work = '';
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'coppice-fcct-'));
  writeFileSync(
    join(work, 'in.yaml'),
    'variant: fcos\nversion: 1.1.0\nstorage:\n  files: [{path: /a, contents: {local: f}}]\n',
  );
  writeFileSync(join(work, 'f'), 'text');
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

function call(run: typeof runFcct, args: readonly string[], input = ''): { rc: number; out: string; err: string } {
  const stdout = memoryOutput();
  const stderr = memoryOutput();
  const context = { program: 'fcct', env: { NO_COLOR: '' }, cwd: work, stdin: { isTTY: false }, stdout, stderr };
  const rc = run(context, args, () => new TextEncoder().encode(input));
  return { rc, out: stdout.text, err: stderr.text };
}

describe('fcct', () => {
  it.each([
    ['one dash', ['-input', 'in.yaml', '-output', 'out.ign', '-files-dir', '.']],
    ['two dashes', ['--input', 'in.yaml', '--output=out.ign', '--files-dir=.']],
    ['an operand and short flags', ['-o', 'out.ign', '-d', '.', 'in.yaml']],
  ])('takes %s', (_, args) => {
    rmSync(join(work, 'out.ign'), { force: true });
    expect(call(runFcct, args)).toEqual({ rc: 0, out: '', err: '' });
    expect(readFileSync(join(work, 'out.ign'), 'utf8')).toBe(
      '{"ignition":{"version":"3.1.0"},"storage":{"files":[{"path":"/a","contents":{"compression":"","source":"data:,text"}}]}}\n',
    );
  });

  it('says the same as butane', () => {
    for (const input of ['variant: fcos\nversion: 1.0.0\n', 'variant: fcos\nversion: 1.0.0\nx: 1\n', 'a: [', '']) {
      expect(call(runFcct, ['-strict', '-pretty'], input)).toEqual(call(runButane, ['--strict', '--pretty'], input));
    }
  });

  it('refuses unknown flags and values', () => {
    for (const args of [['-nope'], ['-strict=maybe'], ['-input'], ['a', 'b']]) {
      const { rc, err, out } = call(runFcct, args);
      expect([rc, out], args.join(' ')).toEqual([2, '']);
      expect(err).toContain('Usage of fcct:');
    }
  });
});
