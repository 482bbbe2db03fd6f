import { escapePath, hasSection, parseUnit, unescapePath, unitLineMax } from '@coppice/systemd';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('parseUnit', () => {
  it('keeps continued lines as written and skips comments', () => {
    expect(parseUnit('# c\n[Service]\n; d\nExecStart=/a \\\n  b\n\n[Install]\nWantedBy=x y\n')).toEqual([
      { section: 'Service', name: 'ExecStart', value: '/a \\\n  b' },
      { section: 'Install', name: 'WantedBy', value: 'x y' },
    ]);
    expect(hasSection(parseUnit('[Install]\nAlias=a\n'), 'Install')).toBe(true);
  });

  it('refuses broken files', () => {
    expect(() => parseUnit('[Unit\n')).toThrow('unable to find end of section');
    expect(() => parseUnit('[Unit] x\n')).toThrow('found garbage after section name');
    expect(() => parseUnit('[Unit]\nnonsense\n')).toThrow();
    expect(() => parseUnit(`[Unit]\nA=${'x'.repeat(unitLineMax)}\n`)).toThrow();
  });

  it('answers any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        try {
          parseUnit(text);
        } catch (error) {
          expect((error as { code?: unknown }).code).toBe('Invalid');
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe('escaping', () => {
  it('is what systemd-escape prints', () => {
    // From systemd.unit(5) and systemd-escape(1).
    expect(escapePath('/')).toBe('-');
    expect(escapePath('/dev/sda')).toBe('dev-sda');
    expect(escapePath('/foo//bar/baz/')).toBe('foo-bar-baz');
    expect(escapePath('/a-b/.c')).toBe('a\\x2db-.c');
    expect(escapePath('/.c')).toBe('\\x2ec');
  });

  it('goes back', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ minLength: 1, maxLength: 8 }).filter((p) => !/[/\0]/.test(p) && !/^\.+$/.test(p)),
          { minLength: 1 },
        ),
        (parts) => {
          const path = `/${parts.join('/')}`;
          expect(unescapePath(escapePath(path))).toBe(path);
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });
});
