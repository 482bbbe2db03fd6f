import { translate, translateBytes } from '@coppice/butane';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeTidyYaml } from '../src/yaml/tidy.ts';
import { mutate, randomOf } from './mutate.ts';

const head = 'variant: fcos\nversion: 1.5.0\n';
const encoder = new TextEncoder();

describe('the YAML reader', () => {
  it('reports syntax errors as go-yaml does', () => {
    const failure = (text: string): string | undefined => translateBytes(text).failure;
    expect(failure('a: b: c\n')).toBe('Error unmarshaling yaml: yaml: mapping values are not allowed in this context');
    expect(failure(`${head}storage:\n\tfiles: []\n`)).toBe(
      'Error unmarshaling yaml: yaml: line 4: found character that cannot start any token',
    );
  });

  it('gives places from line and column 1', () => {
    const done = translate(`${head}storage:\n  files:\n    - path: etc/x\n`);
    expect(done.diagnostics).toEqual([
      {
        code: 'path-relative',
        severity: 'error',
        message: 'path not absolute',
        path: ['storage', 'files', 0, 'path'],
        line: 5,
        column: 13,
        hint: 'Paths start with a slash.',
      },
    ]);
    expect(done.ignition).toBeUndefined();
  });

  it('reads back any text that the tidy writer writes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const body = new Map([
          [
            'storage',
            new Map([
              [
                'files',
                [
                  new Map([
                    ['path', '/a'],
                    ['contents', new Map([['inline', text]])],
                  ] as never),
                ],
              ],
            ]),
          ],
        ]);
        const yaml = head + writeTidyYaml(body as never);
        const done = translateBytes(yaml);
        expect(done.failure).toBeUndefined();
      }),
      { seed: 7, numRuns: 100 },
    );
  });

  it('answers mutated configs without throwing', () => {
    const random = randomOf(11);
    const seed = encoder.encode(
      `${head}storage:\n  trees: [{local: t}]\n  files:\n    - &f {path: /etc/x, mode: 0644, contents: {inline: "a"}}\n    - <<: *f\n      path: /etc/y\nsystemd:\n  units:\n    - name: a.service\n      contents: |\n        [Service]\n        ExecStart=/bin/true\n`,
    );
    for (let n = 0; n < 300; n++) translateBytes(mutate(seed, random, seed));
  });

  it('refuses aliases that multiply', () => {
    const lines = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (let n = 1; n < 9; n++) {
      const before = String.fromCharCode(96 + n);
      lines.push(
        `${String.fromCharCode(97 + n)}: &${String.fromCharCode(97 + n)} [${Array(9).fill(`*${before}`).join(',')}]`,
      );
    }
    expect(translateBytes(`${head}${lines.join('\n')}\n`).entries.length).toBeGreaterThan(0);
    expect(
      translateBytes(`${head}storage: {files: [{path: /a, contents: {inline: &x y}}]}\nsystemd: {units: *x}\n`).failure,
    ).toBeDefined();
  });
});
