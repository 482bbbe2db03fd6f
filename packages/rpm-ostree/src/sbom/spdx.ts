// SPDX 2.3 in JSON (ISO/IEC 5962 and its 2.3 revision): one package for the tree, one for each RPM in it.
import { formatEvr, formatNevra } from '../nevra.ts';
import type { BillComponent, BillOfMaterials } from './bill.ts';

const id = (text: string): string => `SPDXRef-${text.replace(/[^A-Za-z0-9.-]/g, '-')}`;

/** A licence field as SPDX allows it: an expression we do not judge is named as a text, not claimed to be SPDX. */
function licence(text: string): string {
  return /^[A-Za-z0-9.+-]+$/.test(text) &&
    /^(Apache|MIT|BSD|GPL|LGPL|MPL|ISC|Zlib|CC0|AFL|Artistic|0BSD|PSF)/.test(text)
    ? text
    : 'NOASSERTION';
}

function component(c: BillComponent): Record<string, unknown> {
  return {
    SPDXID: id(`RPM-${formatNevra(c.nevra)}`),
    name: c.nevra.name,
    versionInfo: formatEvr(c.nevra),
    supplier: c.vendor === '' ? 'NOASSERTION' : `Organization: ${c.vendor}`,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: licence(c.license),
    ...(c.license === '' ? {} : { licenseComments: c.license }),
    copyrightText: 'NOASSERTION',
    ...(c.summary === '' ? {} : { summary: c.summary }),
    ...(c.url === '' ? {} : { homepage: c.url }),
    ...(c.sourceRpm === '' ? {} : { sourceInfo: `built from ${c.sourceRpm}` }),
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: c.purl }],
  };
}

/** The document; the same commit always gives the same one. */
export function spdx(bill: BillOfMaterials): Record<string, unknown> {
  const root = 'SPDXRef-Tree';
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${bill.name}${bill.version === undefined ? '' : ` ${bill.version}`}`,
    documentNamespace: `urn:ostree:commit:${bill.commit}`,
    creationInfo: { created: bill.created, creators: ['Tool: coppice'] },
    documentDescribes: [root],
    packages: [
      {
        SPDXID: root,
        name: bill.name,
        ...(bill.version === undefined ? {} : { versionInfo: bill.version }),
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
        licenseConcluded: 'NOASSERTION',
        licenseDeclared: 'NOASSERTION',
        copyrightText: 'NOASSERTION',
        checksums: [{ algorithm: 'SHA256', checksumValue: bill.commit }],
        primaryPackagePurpose: 'OPERATING-SYSTEM',
      },
      ...bill.components.map(component),
    ],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: root },
      ...bill.components.map((c) => ({
        spdxElementId: root,
        relationshipType: 'CONTAINS',
        relatedSpdxElement: id(`RPM-${formatNevra(c.nevra)}`),
      })),
    ],
  };
}
