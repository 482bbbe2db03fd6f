// SPDX 2.3 in JSON (ISO/IEC 5962 and its 2.3 revision): one package for the tree, one for each RPM in it.
import { formatEvr, formatNevra } from '../nevra.ts';
import type { BillComponent, BillOfMaterials } from './bill.ts';

const reference = (text: string): string => `SPDXRef-${text.replace(/[^A-Za-z0-9.-]/g, '-')}`;

/** An identifier of its own for each package: names that differ only in what identifiers cannot hold get a number. */
function references(components: readonly BillComponent[]): string[] {
  const taken = new Map<string, number>();
  return components.map((c) => {
    const plain = reference(`RPM-${formatNevra(c.nevra)}`);
    const before = taken.get(plain) ?? 0;
    taken.set(plain, before + 1);
    return before === 0 ? plain : `${plain}-${before + 1}`;
  });
}

/** Identifiers of the SPDX list that packages mostly have; Fedora's old short names are others. */
const licences =
  /^(0BSD|AFL-[123]\.\d|AGPL-3\.0|Apache-[12]\.\d|Artistic-[12]\.0|BSD-[1234]-Clause|BSL-1\.0|CC-BY(-SA|-ND|-NC)*-[1234]\.[05]|CC0-1\.0|EPL-[12]\.0|[AL]?GPL-[123]\.[01](-only|-or-later)?|GFDL-1\.[123](-only|-or-later)?|ICU|ISC|MIT|MPL-[12]\.[01]|OFL-1\.[01]|OpenSSL|PSF-2\.0|Unicode-DFS-201[56]|Unicode-3\.0|Unlicense|Vim|X11|Zlib|bzip2-1\.0\.6|curl|libpng-2\.0|zlib-acknowledgement)\+?$/;

/** A licence field as SPDX allows it: an expression we do not know all of is named as a text, not claimed to be SPDX. */
function licence(text: string): string {
  const words = text
    .replaceAll('(', ' ( ')
    .replaceAll(')', ' ) ')
    .split(/\s+/)
    .filter((w) => w !== '');
  let depth = 0;
  let operand = true;
  for (const word of words) {
    if (word === '(' && operand) depth++;
    else if (word === ')' && !operand && depth > 0) depth--;
    else if (operand && licences.test(word)) operand = false;
    else if (!operand && (word === 'AND' || word === 'OR')) operand = true;
    else return 'NOASSERTION';
  }
  return operand || depth > 0 ? 'NOASSERTION' : text;
}

function component(c: BillComponent, id: string): Record<string, unknown> {
  return {
    SPDXID: id,
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
  const ids = references(bill.components);
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
        primaryPackagePurpose: 'OPERATING_SYSTEM',
      },
      ...bill.components.map((c, i) => component(c, ids[i]!)),
    ],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: root },
      ...ids.map((id) => ({ spdxElementId: root, relationshipType: 'CONTAINS', relatedSpdxElement: id })),
    ],
  };
}
