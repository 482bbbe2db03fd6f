import { isCoppiceError } from '@coppice/base';
import { openSignedMessage } from '@coppice/signing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scopesOf } from '../src/policy/location.ts';
import { parseClaim, sigstoreType } from '../src/policy/payload.ts';
import { parsePolicy, requirementsFor } from '../src/policy/policy.ts';
import { lookasideUrl, parseRegistriesD, usesAttachments } from '../src/policy/registries-d.ts';
import { parseImageReference } from '../src/reference.ts';

const seed = 20260101;
const reference = parseImageReference('quay.example.com:5000/team/sub/os:stable');
const image = { transport: 'docker', reference } as const;

test('scopes of an image, narrowest first', () => {
  expect(scopesOf(image)).toEqual([
    'quay.example.com:5000/team/sub/os:stable',
    'quay.example.com:5000/team/sub/os',
    'quay.example.com:5000/team/sub',
    'quay.example.com:5000/team',
    'quay.example.com:5000',
    '*.example.com:5000',
    '*.com:5000',
  ]);
  expect(scopesOf({ transport: 'oci', path: '/srv/images/os', name: 'stable' })).toEqual([
    '/srv/images/os:stable',
    '/srv/images/os',
    '/srv/images',
    '/srv',
  ]);
});

test('the default of a transport comes before the default of the policy', () => {
  const policy = parsePolicy(
    Buffer.from('{"default":[{"type":"reject"}],"transports":{"docker":{"":[{"type":"insecureAcceptAnything"}]}}}'),
  );
  expect(requirementsFor(policy, image)).toEqual([{ type: 'insecureAcceptAnything' }]);
  expect(requirementsFor(policy, { transport: 'oci', path: '/x', name: '' })).toEqual([{ type: 'reject' }]);
});

test('where signatures are kept: the narrowest scope that says it, key by key', () => {
  const storage = parseRegistriesD([
    ['a.yaml', 'default-docker:\n  lookaside: https://sigs.example.com/\n'],
    ['b.yaml', 'docker:\n  quay.example.com:5000/team:\n    use-sigstore-attachments: true\n'],
  ]);
  expect(lookasideUrl(storage, reference, 'sha256:00')).toBe('https://sigs.example.com/team/sub/os@sha256=00');
  expect(usesAttachments(storage, reference)).toBe(true);
  expect(usesAttachments(storage, parseImageReference('other.example.com/x:y'))).toBe(false);
});

test.each([
  ['default-docker: {lookaside: 3}', /lookaside must be/],
  ['default-docker: {lookaside: "ftp://x"}', /lookaside must be/],
  ['docker: {x: []}', undefined],
  ['docker: {x: 1}', /not a mapping/],
  ['{', /^bad.yaml: /],
])('registries.d %s', (text, message) => {
  const read = (): unknown => parseRegistriesD([['bad.yaml', text]]);
  if (message === undefined) expect(read).not.toThrow();
  else expect(read).toThrow(message);
});

test('a claim with a critical member nobody knows is refused', () => {
  const claim = (more: object): Uint8Array =>
    Buffer.from(
      JSON.stringify({
        critical: {
          type: sigstoreType,
          image: { 'docker-manifest-digest': 'sha256:00' },
          identity: { 'docker-reference': 'h.example.com/x:y' },
          ...more,
        },
        optional: { creator: 'x' },
      }),
    );
  expect(parseClaim(claim({}), sigstoreType)).toEqual({ digest: 'sha256:00', reference: 'h.example.com/x:y' });
  expect(() => parseClaim(claim({ after: 1 }), sigstoreType)).toThrow('unknown critical member "after"');
  expect(() => parseClaim(claim({ type: 'x' }), sigstoreType)).toThrow('unrecognized type x');
});

test('nothing malformed does more than throw a typed error', () => {
  const typed = (f: () => unknown): void => {
    try {
      f();
    } catch (error) {
      if (!isCoppiceError(error)) throw error;
    }
  };
  fc.assert(
    fc.property(fc.json(), fc.uint8Array({ maxLength: 300 }), fc.string(), (json, bytes, text) => {
      typed(() => parsePolicy(Buffer.from(`{"default":[${json}],"transports":{"docker":${json}}}`)));
      typed(() => parsePolicy(bytes));
      typed(() => parseClaim(Buffer.from(json), sigstoreType));
      typed(() => openSignedMessage(bytes, 1000));
      typed(() => openSignedMessage(Buffer.concat([Buffer.from([0xa3, 1]), bytes]), 1000));
      typed(() => parseRegistriesD([['x.yaml', text]]));
    }),
    { seed, numRuns: 2000 },
  );
});
