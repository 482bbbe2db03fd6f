import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { isCoppiceError, messageOf } from '@coppice/base';
import { KeyFile } from '@coppice/keyfile';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const python = '/usr/bin/python3';
const present = spawnSync(python, ['-c', 'from gi.repository import GLib']).status === 0;

interface Request {
  readonly text: string;
  readonly set: readonly (readonly [group: string, key: string, value: string])[];
}

type Answer = { error: string } | { text: string; groups: Record<string, Record<string, string | { error: string }>> };

function judge(requests: readonly Request[]): Answer[] {
  const input = requests.map((request) => `${JSON.stringify(request)}\n`).join('');
  const done = spawnSync(python, [join(import.meta.dirname, 'keyfile-judge.py')], {
    input,
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  if (done.status !== 0) throw new Error(done.stderr.toString());
  return done.stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

function answer(request: Request): Answer {
  try {
    const file = KeyFile.parse(request.text);
    for (const [group, key, value] of request.set) file.setString(group, key, value);
    const groups: Record<string, Record<string, string | { error: string }>> = {};
    for (const group of file.groups()) {
      groups[group] = {};
      for (const key of file.keys(group)) {
        try {
          groups[group][key] = file.getString(group, key);
        } catch (error) {
          groups[group][key] = { error: messageOf(error) };
        }
      }
    }
    return { text: file.toString(), groups };
  } catch (error) {
    if (!isCoppiceError(error)) throw error;
    return { error: error.message };
  }
}

describe.skipIf(!present && process.env['CI'] !== 'true')('key files against GLib', () => {
  it('read, changed and printed alike', () => {
    const piece = fc.constantFrom(
      '[',
      ']',
      '=',
      '\n',
      '\n',
      '\n[a]\n',
      '\n[b c]\n',
      'k',
      'key',
      ' ',
      '\t',
      '#',
      ';',
      '\\s',
      '\\n',
      '\\',
      '\\q',
      'é',
      'x y',
      '\r\n',
      'k[de]=',
      'k=',
      ' = ',
      'Encoding=',
    );
    const text = fc.array(piece, { maxLength: 16 }).map((list) => list.join(''));
    const value = fc
      .array(fc.constantFrom(' ', '\t', '\n', '\r', '\\', ';', 'a', 'é', '=', '['), { maxLength: 8 })
      .map((list) => list.join(''));
    const change = fc.tuple(fc.constantFrom('a', 'b c', 'new'), fc.constantFrom('k', 'key', 'fresh'), value);
    const request = fc.record({ text, set: fc.array(change, { maxLength: 3 }) });
    const cases = fc.sample(request, { seed: 7, numRuns: 4000 });
    const wanted = judge(cases);
    const wrong = cases.flatMap((one, i) => {
      const got = answer(one);
      return JSON.stringify(got) === JSON.stringify(wanted[i]) ? [] : [{ ...one, got, want: wanted[i] }];
    });
    expect(wrong.slice(0, 12)).toEqual([]);
  });
});
