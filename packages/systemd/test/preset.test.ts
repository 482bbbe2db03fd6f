import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { hostFs } from '@coppice/linux';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { installLinks, matchesPattern, parsePreset, parseTmpfiles, presetOf } from '../src/index.ts';
import { createTmpfiles, presetAll } from '../src/tree.ts';

let root: string;
const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const options = { fs: hostFs, readFile: (path: string) => readFileSync(path) };
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'coppice-systemd-'));
});
afterEach(() => rmSync(root, { recursive: true }));

// systemd.preset(5), systemd.unit(5).
describe('presets', () => {
  test('the first match counts, without one a unit is enabled', () => {
    const rules = parsePreset('# c\nenable a.service\ndisable *\nnonsense x\nenable t@.service one two\n');
    expect(presetOf(rules, 'a.service').verb).toBe('enable');
    expect(presetOf(rules, 'b.service').verb).toBe('disable');
    expect(presetOf([], 'b.service').verb).toBe('enable');
    expect(rules.at(-1)).toEqual({ verb: 'enable', pattern: 't@.service', instances: ['one', 'two'] });
  });
  test.each([
    ['*.service', 'a.service', true],
    ['a?.service', 'ab.service', true],
    ['[ab].service', 'b.service', true],
    ['[!ab].service', 'b.service', false],
    ['a.service', 'aXservice', false],
  ])('%s matches %s: %s', (pattern, name, wanted) => {
    expect(matchesPattern(pattern, name)).toBe(wanted);
  });
  test('[Install] of templates and aliases', () => {
    const text = '[Unit]\n[Install]\nWantedBy=multi-user.target a.target\nAlias=other.service\nAlso=x.socket\n';
    expect([...installLinks('a.service', '/p/a.service', text).links.keys()]).toEqual([
      '/etc/systemd/system/multi-user.target.wants/a.service',
      '/etc/systemd/system/a.target.wants/a.service',
      '/etc/systemd/system/other.service',
    ]);
    const template = '[Install]\nWantedBy=m.target\nDefaultInstance=tty1\n';
    expect([...installLinks('t@.service', '/p', template).links.keys()]).toEqual([
      '/etc/systemd/system/m.target.wants/t@tty1.service',
    ]);
    expect([...installLinks('t@.service', '/p', template, 'b').links.keys()]).toEqual([
      '/etc/systemd/system/m.target.wants/t@b.service',
    ]);
  });
  test('a tree', () => {
    put('usr/lib/systemd/system/on.service', '[Install]\nWantedBy=multi-user.target\nAlso=also.socket\n');
    put('usr/lib/systemd/system/also.socket', '[Install]\nWantedBy=sockets.target\n');
    put('usr/lib/systemd/system/off.service', '[Install]\nWantedBy=multi-user.target\n');
    put('etc/systemd/system/mine.service', '[Install]\nRequiredBy=multi-user.target\n');
    put('usr/lib/systemd/system-preset/90.preset', 'enable on.service\n');
    put('usr/lib/systemd/system-preset/99.preset', 'disable *\n');
    put('etc/systemd/system-preset/20-ignition.preset', 'enable mine.service\n');
    mkdirSync(join(root, 'etc/systemd/system/multi-user.target.wants'));
    symlinkSync(
      '/usr/lib/systemd/system/off.service',
      join(root, 'etc/systemd/system/multi-user.target.wants/off.service'),
    );
    expect(presetAll(root, options)).toEqual({
      enabled: [
        '/etc/systemd/system/multi-user.target.requires/mine.service',
        '/etc/systemd/system/multi-user.target.wants/on.service',
        '/etc/systemd/system/sockets.target.wants/also.socket',
      ],
      disabled: ['/etc/systemd/system/multi-user.target.wants/off.service'],
    });
    expect(readlinkSync(join(root, 'etc/systemd/system/multi-user.target.requires/mine.service'))).toBe(
      '/etc/systemd/system/mine.service',
    );
    expect(presetAll(root, options)).toEqual({ enabled: [], disabled: [] });
  });
});

// tmpfiles.d(5).
describe('tmpfiles', () => {
  test('lines', () => {
    expect(
      parseTmpfiles('# c\nd /a 0755 u g 10d -\nL+ "/b c" - - - - ../x y\nbad\nf /e 0600 - - - hello  world\n'),
    ).toEqual([
      { type: 'd', modifiers: '', path: '/a', mode: 0o755, user: 'u', group: 'g', argument: undefined },
      {
        type: 'L',
        modifiers: '+',
        path: '/b c',
        mode: undefined,
        user: undefined,
        group: undefined,
        argument: '../x y',
      },
      { type: 'f', modifiers: '', path: '/e', mode: 0o600, user: undefined, group: undefined, argument: 'hello world' },
    ]);
  });
  test('a tree: made once, masked by /etc, never through a link', () => {
    put(
      'usr/lib/tmpfiles.d/a.conf',
      'd /var/lib/x 0700 - -\nf /var/lib/x/f 0640 - - - text\nL /var/l - - - - lib/x\nd /var/out/y\nd /tmp/z\nr /var/gone\n',
    );
    put('usr/lib/tmpfiles.d/b.conf', 'd /var/masked\n');
    put('etc/tmpfiles.d/b.conf', '');
    mkdirSync(join(root, 'var'));
    symlinkSync('/tmp', join(root, 'var/out'));
    const made = createTmpfiles(root, { ...options, prefixes: ['/var'], owners: false });
    expect(made.created).toEqual(['/var/l', '/var/lib/x', '/var/lib/x/f']);
    expect(made.skipped.map((l) => l.path)).toEqual(['/var/gone', '/var/out/y']);
    expect(hostFs.lstat(join(root, 'var/lib/x'))!.mode & 0o7777).toBe(0o700);
    expect(readFileSync(join(root, 'var/lib/x/f'), 'utf8')).toBe('text');
    expect(hostFs.lstat('/tmp/y')).toBeUndefined();
    expect(createTmpfiles(root, { ...options, prefixes: ['/var'], owners: false }).created).toEqual([]);
  });
});
