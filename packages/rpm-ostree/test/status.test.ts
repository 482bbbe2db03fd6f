import { describe, expect, test } from 'vitest';
import { type DeploymentStatus, formatJsonGlib, formatStatus, rpmOstreeCompat, statusJson } from '../src/index.ts';

const commit = '093f7da6ffa161ae1648a05be9c55f758258ab97b55c628bea5259f6ac6e370e';
const fingerprint = '7D22D5867F2A4236474BF7B850CB390B3C3359C4';

function deployment(extra: Partial<DeploymentStatus> = {}): DeploymentStatus {
  return {
    osname: 'fedora-coreos',
    checksum: commit,
    serial: 0,
    booted: true,
    staged: false,
    finalizationLocked: false,
    pinned: false,
    unlocked: 'none',
    version: '31.20200118.3.0',
    timestamp: Date.parse('2020-01-28T16:10:53Z') / 1000,
    origin: 'fedora:fedora/x86_64/coreos/stable',
    originKind: 'ostree',
    baseMetadata: {},
    baseRepos: [{ id: 'fedora', timestamp: 1580000000 }],
    gpgEnabled: true,
    signatures: [
      {
        valid: true,
        keyMissing: false,
        signatureExpired: false,
        keyExpired: false,
        keyRevoked: false,
        fingerprint,
        timestamp: 0,
        expiration: 0,
        pubkeyAlgorithm: 'RSA',
        hashAlgorithm: 'SHA256',
        userName: 'F',
        userEmail: 'f@x',
        primaryFingerprint: fingerprint,
      },
    ],
    packages: [],
    requestedPackages: [],
    requestedLocalPackages: [],
    requestedLocalFileOverrides: [],
    baseRemovals: [],
    requestedBaseRemovals: [],
    localReplacements: [],
    requestedLocalReplacements: [],
    remoteReplacements: [],
    requestedRemoteReplacements: [],
    regenerateInitramfs: false,
    initramfsArgs: [],
    initramfsEtc: [],
    cliwrap: false,
    ...extra,
  };
}

const added = {
  upgraded: [],
  downgraded: [],
  removed: [],
  added: [{ name: 'buildah', epoch: 0, version: '1', release: '1', arch: 'x86_64' }],
};
const pending = deployment({
  booted: false,
  staged: true,
  checksum: 'f'.repeat(64),
  base: {
    checksum: commit,
    version: '31.20200118.3.0',
    timestamp: Date.parse('2020-01-28T16:10:53Z') / 1000,
    layeredMetadata: {},
    layeredRepos: [],
  },
  packages: ['buildah'],
  requestedPackages: ['buildah', 'inactive'],
  pendingDiff: added,
});

describe('status text', () => {
  // The transcripts of the article the product follows.
  test('the level of 2020, as published', () => {
    expect(
      formatStatus({ deployments: [deployment()], automaticUpdates: 'none' }, { compat: rpmOstreeCompat['2020.1'] }),
    ).toBe(
      `State: idle
AutomaticUpdates: disabled
Deployments:
● ostree://fedora:fedora/x86_64/coreos/stable
                   Version: 31.20200118.3.0 (2020-01-28T16:10:53Z)
                    Commit: ${commit}
              GPGSignature: Valid signature by ${fingerprint}
`,
    );
    expect(
      formatStatus(
        { deployments: [pending, deployment()], automaticUpdates: 'none' },
        { compat: rpmOstreeCompat['2020.1'] },
      ),
    ).toBe(
      `State: idle
AutomaticUpdates: disabled
Deployments:
  ostree://fedora:fedora/x86_64/coreos/stable
                   Version: 31.20200118.3.0 (2020-01-28T16:10:53Z)
                BaseCommit: ${commit}
              GPGSignature: Valid signature by ${fingerprint}
                      Diff: 1 added
           LayeredPackages: buildah

● ostree://fedora:fedora/x86_64/coreos/stable
                   Version: 31.20200118.3.0 (2020-01-28T16:10:53Z)
                    Commit: ${commit}
              GPGSignature: Valid signature by ${fingerprint}
`,
    );
  });

  test('keys end at column 25 today, continuation lines have no colon', () => {
    const text = formatStatus(
      {
        deployments: [deployment({ packages: Array.from({ length: 20 }, (_, i) => `package-${i}`) })],
        automaticUpdates: 'none',
      },
      { compat: rpmOstreeCompat['2026.2'] },
    );
    expect(text).toContain('\n                  Version: ');
    expect(text).toMatch(/\n {27}package-/);
  });

  test('verbose, booted only, unlocked, pinned', () => {
    const text = formatStatus(
      { deployments: [pending, deployment({ pinned: true, unlocked: 'hotfix' })], automaticUpdates: 'none' },
      { compat: rpmOstreeCompat['2026.2'], verbose: true, utf8: false },
    );
    expect(text).toContain('* fedora:fedora/x86_64/coreos/stable (index: 1)');
    expect(text).toContain('InactiveRequests: inactive');
    expect(text).toContain('Added: buildah-1-1.x86_64');
    expect(text).toContain('`- fedora (2020-01-26T00:53:20Z)');
    expect(text).toContain('Pinned: yes');
    expect(text).toContain('Unlocked: hotfix');
    const booted = formatStatus(
      { deployments: [pending, deployment()], automaticUpdates: 'none' },
      { compat: rpmOstreeCompat['2026.2'], bootedOnly: true },
    );
    expect(booted).toMatch(/^State: idle\nBootedDeployment:\n● fedora/);
  });
});

describe('status as JSON', () => {
  test('looks as json-glib prints', () => {
    expect(formatJsonGlib({ a: [], b: {}, c: [1, 'x'], d: { e: null } })).toBe(
      '{\n  "a" : [],\n  "b" : {},\n  "c" : [\n    1,\n    "x"\n  ],\n  "d" : {\n    "e" : null\n  }\n}',
    );
  });

  test('keys that scripts use', () => {
    const json = JSON.parse(
      JSON.stringify(statusJson({ deployments: [pending, deployment()], automaticUpdates: 'none' })),
    );
    expect(json.transaction).toBeNull();
    expect(json.deployments[0]).toMatchObject({
      id: `fedora-coreos-${'f'.repeat(64)}.0`,
      staged: true,
      booted: false,
      'base-checksum': commit,
      packages: ['buildah'],
    });
    expect(json.deployments[1]).not.toHaveProperty('base-checksum');
  });
});
