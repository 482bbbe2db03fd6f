import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  emptyOrigin,
  formatOrigin,
  needsAssembly,
  type Origin,
  originOfRefspec,
  originsEqual,
  parseOrigin,
  parseRefspec,
} from '../src/index.ts';

const sha = 'a'.repeat(64);
const base = originOfRefspec(parseRefspec('fedora:fedora/stable'));

describe('origin files', () => {
  test('a plain one keeps `refspec`', () => {
    expect(formatOrigin(base)).toBe('[origin]\nrefspec=fedora:fedora/stable\n');
  });

  test('layering turns it into `baserefspec`, which plain upgrades refuse', () => {
    expect(formatOrigin({ ...base, packages: ['buildah'] })).toBe(
      '[origin]\nbaserefspec=fedora:fedora/stable\n\n[packages]\nrequested=buildah;\n',
    );
  });

  test('everything survives reading and writing', () => {
    const all: Origin = {
      ...base,
      overrideCommit: sha,
      customOrigin: { url: 'https://x', description: 'X' },
      packages: ['a', 'b >= 1'],
      localPackages: [{ sha256: sha, nevra: 'x-1-1.noarch' }],
      localFileOverrides: [{ sha256: sha, nevra: 'y-1-1.noarch' }],
      removals: ['r'],
      localReplacements: [{ sha256: sha, nevra: 'z-1:1-1.noarch' }],
      remoteReplacements: [{ source: 'repo=updates', names: ['p', 'q'] }],
      regenerateInitramfs: true,
      initramfsArgs: ['-I', '/etc/x'],
      initramfsEtc: ['/etc/f'],
      cliwrap: true,
    };
    expect(parseOrigin(formatOrigin(all))).toEqual(all);
    expect(needsAssembly(all)).toBe(true);
  });

  test('the transient group and unconfigured-state are not written again', () => {
    const origin = parseOrigin(
      '[origin]\nrefspec=a:b\nunconfigured-state=subscribe first\n[libostree-transient]\npinned=true\n',
    );
    expect(origin.unconfiguredState).toBe('subscribe first');
    expect(formatOrigin(origin)).toBe('[origin]\nrefspec=a:b\n');
  });

  test('an image reference', () => {
    const origin = parseOrigin('[origin]\ncontainer-image-reference=ostree-unverified-registry:quay.io/x\n');
    expect(origin.refspec?.kind).toBe('container');
  });

  test.each(['[packages]\nrequested-local=nothex:foo-1-1.noarch;\n', '[overrides]\nreplace=repo=x;\n'])(
    '%j is refused',
    (text) => {
      expect(() => parseOrigin(text)).toThrow(/Invalid/);
    },
  );

  test('the order of requests does not matter', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 8 }), (names) => {
        expect(
          originsEqual({ ...emptyOrigin, packages: names }, { ...emptyOrigin, packages: [...names].reverse() }),
        ).toBe(true);
      }),
    );
  });
});
