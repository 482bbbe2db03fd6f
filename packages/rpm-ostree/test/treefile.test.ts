import { describe, expect, test } from 'vitest';
import {
  evaluateCondition,
  loadTreefile,
  mergeLockfiles,
  nextVersion,
  parseLockfile,
  parseTreefileDocument,
  type TreefileSource,
  typeTreefile,
} from '../src/index.ts';

function source(files: Readonly<Record<string, string>>): TreefileSource {
  return {
    read(path) {
      const text = files[path];
      if (text === undefined) throw new Error(`no ${path}`);
      return { text, identity: path };
    },
    resolve: (_from, include) => include,
  };
}

describe('treefiles', () => {
  test('comments of JSON, old and new names, repositories of packages', () => {
    const json = parseTreefileDocument('{"comment-packages": "why", "packages": ["a"]}', 't.json', 'x86_64');
    expect(json).toEqual({ packages: ['a'] });
    expect(() => parseTreefileDocument('one: 1\ntwo: 2\n', 't.yaml', 'x86_64')).toThrow('Unknown fields: one, two');
    expect(() => parseTreefileDocument('gpg-key: A\ngpg_key: B\n', 't.yaml', 'x86_64')).toThrow(
      'Cannot use new and legacy forms of gpg_key',
    );
    const treefile = typeTreefile(
      parseTreefileDocument(
        'opt-usrlocal: stateoverlay\nrepo-packages:\n  - {repo: one, packages: [a b, c]}\n  - {repo: two, packages: ["\'b >= 2\' a"]}\n  - {repo: three, packages: [c]}\n',
        't.yaml',
        'x86_64',
      ),
    );
    expect(treefile.optUsrlocal).toBe('state-overlay');
    expect(treefile.repoPackages).toEqual([
      { repo: 'one', packages: ['b'] },
      { repo: 'two', packages: ['b >= 2', 'a'] },
      { repo: 'three', packages: ['c'] },
    ]);
  });

  test('includes: scalars of the includer win, lists of the included come first, package sets unite', () => {
    const { document } = loadTreefile(
      'top.yaml',
      source({
        'top.yaml':
          'include: base.yaml\nref: top\npackages:\n  - c\n  - "a \'b >= 2\'"\npostprocess: [two]\nadd-commit-metadata: {x: 1, y: 2}\n',
        'base.yaml':
          'ref: base\nselinux: false\npackages: [a, d]\npostprocess: [one]\nadd-commit-metadata: {y: 3, z: 4}\n',
      }),
      'x86_64',
    );
    expect(document['ref']).toBe('top');
    expect(document['packages']).toEqual(['a', 'd', 'c', 'b >= 2']);
    expect(document['postprocess']).toEqual(['one', 'two']);
    expect(document['add-commit-metadata']).toEqual({ x: 1, y: 2, z: 4 });
    expect(typeTreefile(document).selinux).toBe(false);
  });

  test('conditions, architectures and variables', () => {
    const { document, files } = loadTreefile(
      'top.yaml',
      source({
        'top.yaml': `releasever: 40
variables: {flavour: server}
ref: "fedora/\${basearch}/\${flavour}/\${releasever}"
packages-x86_64: [grub2]
packages-aarch64: [shim]
arch-include: {x86_64: arch.yaml}
conditional-include:
  - {if: releasever >= 40, include: new.yaml}
  - {if: [releasever >= 41, 'flavour == "server"'], include: missing.yaml}
  - {if: 'flavour != "desktop"', include: {packages: [inline]}}
`,
        'arch.yaml': 'packages: [arch]\n',
        'new.yaml': 'packages: [new]\n',
      }),
      'x86_64',
    );
    expect(document['ref']).toBe('fedora/x86_64/server/40');
    expect(new Set(document['packages'] as string[])).toEqual(new Set(['grub2', 'arch', 'new', 'inline']));
    expect(files).toEqual(['top.yaml', 'arch.yaml', 'new.yaml']);
  });

  test('loops, unknown keys and wrong shapes are refused', () => {
    const loop = source({ a: 'include: b\n', b: 'include: a\n' });
    expect(() => loadTreefile('a', loop, 'x86_64')).toThrow('Include loop detected; a was already included');
    expect(() => parseTreefileDocument('nonsense: 1\n', 't.yaml', 'x86_64')).toThrow('Unknown fields: nonsense');
    expect(() => parseTreefileDocument('packages: x\n', 't.yaml', 'x86_64')).toThrow('invalid type');
    expect(() => parseTreefileDocument('a: [\n', 't.yaml', 'x86_64')).toThrow('Parsing t.yaml');
    expect(() => typeTreefile({ 'boot-location': 'moon' })).toThrow('unknown variant `moon`');
    expect(() => typeTreefile({ 'machineid-compat': false, units: ['x.service'] })).toThrow('incompatible');
    expect(() => typeTreefile({ 'add-files': [['x', '/usr/local/x']] })).toThrow('Unsupported path');
  });

  test('editions change defaults', () => {
    expect(typeTreefile({}).tmpIsDir).toBe(false);
    expect(typeTreefile({ edition: '2024' })).toMatchObject({
      tmpIsDir: true,
      bootLocation: 'modules',
      machineidCompat: false,
    });
  });

  test('a container needs no labels and has a real /tmp', () => {
    expect(typeTreefile({ container: true })).toMatchObject({ tmpIsDir: true, selinux: false });
    expect(typeTreefile({ container: true, selinux: true }).selinux).toBe(true);
  });

  test('keys with few values', () => {
    expect(typeTreefile({ cliwrap: true }).cliwrap).toEqual(['rpm', 'dracut', 'grubby', 'yum', 'dnf']);
    expect(typeTreefile({ 'cliwrap-binaries': ['kernel-install'] }).cliwrap).toEqual(['kernel-install']);
    expect(() => typeTreefile({ 'cliwrap-binaries': ['rpm'] })).toThrow('unknown variant `rpm`');
    for (const rpmdb of ['target', 'bdb', 'ndb', 'sqlite']) expect(typeTreefile({ rpmdb }).rpmdb).toBe('target');
    expect(typeTreefile({ rpmdb: 'host' }).rpmdb).toBe('host');
    expect(typeTreefile({ 'opt-usrlocal-overlays': true }).optUsrlocal).toBe('state-overlay');
    expect(typeTreefile({ 'finalize.d': ['/x'] }).finalizeDirs).toEqual([]);
    expect(() => typeTreefile({ 'automatic-version-suffix': '..' })).toThrow('exactly one ASCII character');
    expect(() => typeTreefile({ 'selinux-label-version': 3 })).toThrow('unknown version 3');
    expect(() => parseTreefileDocument('basearch: arm\n', 't.yaml', 'x86_64')).toThrow(
      'Invalid basearch arm on x86_64',
    );
    // What other tools keep in a treefile is no metadata of the commit.
    expect(typeTreefile({ metadata: { a: 'b' }, 'add-commit-metadata': { c: 'd' } }).commitMetadata).toEqual({
      c: 'd',
    });
  });

  test('repositories may be named by variables', () => {
    const text =
      'variables: {v: x}\nrepos: ["a-${v}"]\nlockfile-repos: ["b-${v}"]\nrepo-packages: [{repo: "c-${v}", packages: [p]}]\n';
    const { document } = loadTreefile('t.yaml', source({ 't.yaml': text }), 'x86_64');
    expect(typeTreefile(document)).toMatchObject({
      repos: ['a-x'],
      lockfileRepos: ['b-x'],
      repoPackages: [{ repo: 'c-x', packages: ['p'] }],
    });
  });

  test('kickstart files', () => {
    const files = {
      'top.ks': '# a comment\n%include sub.ks\n\n%packages\na\n-b\n c\n%end\n',
      'sub.ks': '%packages --exclude-weakdeps\nd\n%end\n',
    };
    const { document } = loadTreefile('top.ks', source(files), 'x86_64');
    expect(document).toMatchObject({ packages: ['d', 'a', 'c'], 'exclude-packages': ['b'], recommends: false });
    const parse = (text: string) => () => parseTreefileDocument(text, 't.ks', 'x86_64');
    expect(parse('%packages\n')).toThrow('Missing %end for %packages');
    expect(parse('%packages --foo\n%end\n')).toThrow("unexpected argument '--foo'");
    expect(parse('%include\n')).toThrow('Missing path');
    expect(parse('%include a b\n')).toThrow('Too many arguments');
    expect(parse('reboot\n')).toThrow('Unhandled verb: reboot');
  });

  test('conditions compare only equal types', () => {
    const variables = new Map<string, string | number | boolean>([
      ['n', 3],
      ['s', 'x'],
      ['b', true],
    ]);
    expect(evaluateCondition('n < 4', variables)).toBe(true);
    expect(evaluateCondition('s == "x"', variables)).toBe(true);
    expect(evaluateCondition(' n>=3 ', variables)).toBe(true);
    expect(evaluateCondition('b == true', variables)).toBe(true);
    const wrong = (expression: string, why: string): void =>
      expect(() => evaluateCondition(expression, variables)).toThrow(why);
    wrong('n == x', 'invalid condition: n == x');
    wrong("s == 'x'", "invalid condition: s == 'x'");
    wrong('n == "3"', 'n is not same type as 3');
    wrong('n ~= 3', 'expected one of ==, !=, >, >=, <, <= but got ~=');
    wrong('b < true', "invalid op for values 'true' and 'true'");
    wrong('s < "y"', "invalid op for values 'x' and 'y'");
    wrong('q == 1', "undefined variable 'q'");
  });
});

describe('automatic versions', () => {
  const now = new Date('2020-01-18T03:04:05Z');
  test.each([
    ['10', '.', undefined, '10'],
    ['10', '.', '9.3', '10'],
    ['10', '.', '10', '10.1'],
    ['10', '.', '10.1', '10.2'],
    ['10', '.', '10.9', '10.10'],
    ['10', '.', '10.1.5', '10.2'],
    ['10', '.', '101.1', '10'],
    ['10', '.', '10.x', '10.1'],
    ['10', '-', '10-4', '10-5'],
    ['31.<date:%Y%m%d>', '.', undefined, '31.20200118.0'],
    ['31.<date:%Y%m%d>', '.', '31.20200117.5', '31.20200118.0'],
    ['31.<date:%Y%m%d>', '.', '31.20200118', '31.20200118.0'],
    ['31.<date:%Y%m%d>', '.', '31.20200118.2', '31.20200118.3'],
    ['<tag:x>.<date:%H>', '.', undefined, '<tag:x>.03.0'],
  ])('%s %s after %s', (prefix, suffix, last, next) => {
    expect(nextVersion(prefix, suffix, last, now)).toBe(next);
  });
});

describe('lockfiles', () => {
  test('later files win, unknown fields are refused', () => {
    const a = parseLockfile(
      '{"packages":{"x":{"evra":"1:2-3.x86_64","digest":"sha256:aa"},"y":{"evr":"1-1"}}}',
      'a.json',
    );
    const b = parseLockfile('packages:\n  x:\n    evra: 1:4-1.x86_64\n', 'b.yaml');
    expect(mergeLockfiles([a, b]).packages.get('x')).toEqual({ evr: '1:4-1', arch: 'x86_64', digest: undefined });
    expect(mergeLockfiles([a, b]).packages.get('y')?.arch).toBeUndefined();
    expect(() => parseLockfile('{"package":{}}', 'c.json')).toThrow('unknown field `package`');
    expect(() => parseLockfile('{"packages":{"x":{}}}', 'c.json')).toThrow('missing evr or evra');
  });
});
