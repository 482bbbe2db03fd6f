// Labels against libselinux's matchpathcon on generated file contexts.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabelPolicy, parseFileContexts, parseSubstitutions } from '@coppice/selinux';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { random } from './sysroot-support.ts';

const missing = spawnSync('matchpathcon', ['-V'], { encoding: 'utf8' }).error !== undefined;
if (missing && process.env.CI === 'true') throw new Error('matchpathcon (selinux-utils) is missing');

describe.skipIf(missing)(`labels${missing ? ': matchpathcon (selinux-utils) is not installed' : ''}`, () => {
  let work: string;
  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'coppice-selinux-'));
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  it('are those of libselinux', () => {
    const pick = random(7);
    const one = <T>(list: readonly T[]): T => list[pick(list.length)]!;
    const words = ['usr', 'bin', 'lib', 'a.b', 'x+y', 'log', 'etc'];
    const parts = [...words, '.*', '[^/]+', '(usr|etc)', 'l[io]b', 'b?in', 'log(-[0-9]+)?', 'a\\.b', 'x\\+y'];
    const pattern = (): string => {
      let text = '';
      for (let n = 1 + pick(4); n > 0; n--) text += `/${one(parts)}`;
      return text + one(['', '', '(/.*)?', '/.*']);
    };
    for (let round = 0; round < 20; round++) {
      let contexts = '';
      for (let i = 0; i < 60; i++) contexts += `${pattern()}\t${one(['', '', '--\t', '-d\t', '-l\t'])}u:r:t${i}\n`;
      const subs = `/alias /usr/bin\n/lib /usr/lib\n`;
      const file = join(work, `fc${round}`);
      writeFileSync(file, contexts);
      writeFileSync(`${file}.subs_dist`, subs);
      const policy = new LabelPolicy({
        name: 'x',
        specs: parseFileContexts(contexts),
        substitutions: [],
        distributionSubstitutions: parseSubstitutions(subs),
      });
      for (const [name, mode] of [
        ['file', 0o100644],
        ['dir', 0o040755],
        ['lnk_file', 0o120777],
      ] as const) {
        const paths = Array.from({ length: 100 }, () => {
          let text = '';
          for (let n = 1 + pick(4); n > 0; n--) text += `/${one([...words, 'alias', 'log-7', 'bn', 'lob'])}`;
          return text;
        });
        const want = spawnSync('matchpathcon', ['-n', '-f', file, '-m', name, ...paths], {
          encoding: 'utf8',
        }).stdout.trim();
        expect(paths.map((path) => policy.label(path, mode) ?? '<<none>>')).toEqual(want.split('\n'));
      }
    }
  });
});
