import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareEvr,
  escapeRefComponent,
  formatContainerReference,
  formatNevra,
  formatRefspec,
  type Nevra,
  packageOfRef,
  packageRef,
  parseContainerReference,
  parseNevra,
  parseRefspec,
  resolveRebaseTarget,
  unescapeRefComponent,
} from '../src/index.ts';

const pkg = (name: string, epoch: number, version: string, release: string, arch: string): Nevra => ({
  name,
  epoch,
  version,
  release,
  arch,
});

describe('package refs', () => {
  test.each([
    [pkg('buildah', 0, '1.12.0', '2.fc31', 'x86_64'), 'rpmostree/pkg/buildah/1.12.0-2.fc31.x86__64'],
    [pkg('tcpdump', 14, '4.9.3', '1.fc31', 'x86_64'), 'rpmostree/pkg/tcpdump/14_3A4.9.3-1.fc31.x86__64'],
    [pkg('perl', 4, '5.16.3', '291.el7', 'x86_64'), 'rpmostree/pkg/perl/4_3A5.16.3-291.el7.x86__64'],
    [pkg('gtk+', 0, '1.0~rc1', '1^git', 'noarch'), 'rpmostree/pkg/gtk_2B/1.0_7Erc1-1_5Egit.noarch'],
    [pkg('python_x', 0, '1_2', '3', 'noarch'), 'rpmostree/pkg/python__x/1__2-3.noarch'],
  ])('%o', (nevra, ref) => {
    expect(packageRef(nevra)).toBe(ref);
    expect(packageOfRef(ref)).toEqual(nevra);
  });

  test('escaping is reversible for any text, and its result is a valid ref component', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const escaped = escapeRefComponent(text);
        expect(escaped).toMatch(/^[A-Za-z0-9._-]*$/);
        expect(unescapeRefComponent(escaped)).toBe(text);
      }),
    );
  });

  test.each(['a_', 'a_G0', '_5'])('unescaping %j is refused', (text) => {
    expect(() => unescapeRefComponent(text)).toThrow('Invalid escape');
  });
});

describe('NEVRA', () => {
  test('format and parse are inverse', () => {
    const word = fc.stringMatching(/^[a-z0-9][a-z0-9.+_]{0,8}$/);
    fc.assert(
      fc.property(
        word,
        fc.nat(50),
        word,
        word,
        fc.constantFrom('noarch', 'x86_64', 'i686'),
        (name, epoch, version, release, arch) => {
          const nevra = { name, epoch, version, release, arch };
          expect(parseNevra(formatNevra(nevra))).toEqual(nevra);
        },
      ),
    );
  });

  test('epoch decides before version', () => {
    expect(compareEvr(pkg('a', 1, '1', '1', ''), pkg('a', 0, '2', '1', ''))).toBe(1);
    expect(compareEvr(pkg('a', 0, '1~rc', '1', ''), pkg('a', 0, '1', '1', ''))).toBe(-1);
  });
});

describe('refspecs', () => {
  test.each([
    ['fedora:fedora/x86_64/coreos/stable', 'fedora:fedora/x86_64/coreos/stable'],
    ['ostree://fedora:a/b', 'fedora:a/b'],
    ['a/b', 'a/b'],
    ['f'.repeat(64), 'f'.repeat(64)],
    ['ostree-unverified-registry:quay.io/x/y:z', 'ostree-unverified-registry:quay.io/x/y:z'],
    ['ostree-image-signed:docker://quay.io/x/y', 'ostree-image-signed:docker://quay.io/x/y'],
    ['ostree-unverified-image:docker://quay.io/x', 'ostree-unverified-registry:quay.io/x'],
    ['ostree-unverified-image:oci:/tmp/x', 'ostree-unverified-image:oci:/tmp/x'],
    ['ostree-remote-registry:fedora:quay.io/x', 'ostree-remote-registry:fedora:quay.io/x'],
  ])('%s', (text, canonical) => {
    expect(formatRefspec(parseRefspec(text))).toBe(canonical);
  });

  test('kinds', () => {
    expect(parseRefspec('a'.repeat(64)).kind).toBe('checksum');
    expect(parseRefspec('ostree-unverified-registry:x').kind).toBe('container');
    expect(parseContainerReference('fedora:x')).toBeUndefined();
    expect(() => parseRefspec('ostree://')).toThrow('Refspec is empty');
  });

  const current = parseRefspec('fedora:fedora/stable');
  test.each([
    ['updates:fedora/testing', 'updates:fedora/testing'],
    ['fedora/testing', 'fedora:fedora/testing'],
    ['updates:', 'updates:fedora/stable'],
    [':local/branch', 'local/branch'],
  ])('rebase to %s', (argument, result) => {
    expect(formatRefspec(resolveRebaseTarget(argument, current))).toBe(result);
  });

  test('image references round trip', () => {
    for (const text of ['ostree-image-signed:docker://a/b:c', 'ostree-remote-image:r:oci:/x'])
      expect(formatContainerReference(parseContainerReference(text)!)).toBe(text);
  });
});
