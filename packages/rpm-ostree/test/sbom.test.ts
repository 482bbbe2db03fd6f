// Bills of materials hold to the words that their schemas allow (SPDX 2.3, CycloneDX 1.5).
import { type BillOfMaterials, cycloneDx, spdx } from '@coppice/rpm-ostree';
import { expect, it } from 'vitest';

const component = (name: string, license: string): BillOfMaterials['components'][number] => ({
  nevra: { name, epoch: 1, version: '1.0', release: '2.fc31', arch: 'x86_64' },
  license,
  vendor: '',
  summary: name,
  url: '',
  sourceRpm: `${name}-1.0-2.fc31.src.rpm`,
  headerSha256: 'ab'.repeat(32),
  purl: `pkg:rpm/fedora/${encodeURIComponent(name)}@1.0-2.fc31?arch=x86_64&epoch=1`,
});
const bill: BillOfMaterials = {
  name: 'Fedora CoreOS',
  version: '31',
  commit: '0123456789abcdef'.repeat(4),
  created: '2020-01-28T16:10:53Z',
  components: [
    component('a_b', 'GPLv2+'),
    component('a-b', 'GPL-2.0-or-later AND (MIT OR BSD-3-Clause)'),
    component('c++', 'MIT'),
    component('d', 'MIT AND'),
    component('e', '(MIT'),
    component('f', 'MIT and BSD'),
    component('g', ''),
  ],
};
type Rows = readonly Record<string, unknown>[];

it('SPDX: each package has an identifier of its own, and only licences that SPDX knows are claimed', () => {
  const document = spdx(bill);
  const packages = document['packages'] as Rows;
  const ids = packages.map((p) => p['SPDXID'] as string);
  expect(new Set(ids).size).toBe(bill.components.length + 1);
  for (const id of ids) expect(id).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/);
  expect(packages[0]!['primaryPackagePurpose']).toBe('OPERATING_SYSTEM');
  expect(packages.slice(1).map((p) => p['licenseDeclared'])).toEqual([
    'NOASSERTION',
    'GPL-2.0-or-later AND (MIT OR BSD-3-Clause)',
    'MIT',
    'NOASSERTION',
    'NOASSERTION',
    'NOASSERTION',
    'NOASSERTION',
  ]);
  const allowed = new Set(
    'SPDXID annotations attributionTexts builtDate checksums comment copyrightText description downloadLocation externalRefs filesAnalyzed hasFiles homepage licenseComments licenseConcluded licenseDeclared licenseInfoFromFiles name originator packageFileName packageVerificationCode primaryPackagePurpose releaseDate sourceInfo summary supplier validUntilDate versionInfo'.split(
      ' ',
    ),
  );
  for (const p of packages) {
    expect(Object.keys(p).filter((key) => !allowed.has(key))).toEqual([]);
    for (const r of (p['externalRefs'] ?? []) as Rows)
      expect(r).toMatchObject({
        referenceCategory: 'PACKAGE-MANAGER',
        referenceLocator: expect.not.stringMatching(/\s/),
      });
  }
  const related = (document['relationships'] as Rows).map((r) => r['relatedSpdxElement']);
  expect(related).toEqual(ids);
});

it('CycloneDX: references are unique and all belong to the tree', () => {
  const document = cycloneDx(bill);
  const refs = (document['components'] as Rows).map((c) => c['bom-ref']);
  expect(new Set(refs).size).toBe(bill.components.length);
  expect(document['dependencies']).toEqual([{ ref: `ostree:${bill.commit}`, dependsOn: refs }]);
  expect(document['serialNumber']).toMatch(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});
