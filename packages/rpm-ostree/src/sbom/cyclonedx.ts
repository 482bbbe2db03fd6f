// CycloneDX 1.5 in JSON: the tree as operating system, its RPMs as libraries.
import { formatEvr } from '../nevra.ts';
import type { BillOfMaterials } from './bill.ts';

/** A UUID made from the commit's checksum, so that the same commit gives the same document. */
function serial(commit: string): string {
  const h = commit.slice(0, 32);
  const variant = ((Number.parseInt(h[16]!, 16) & 3) | 8).toString(16);
  return `urn:uuid:${h.slice(0, 8)}-${h.slice(8, 12)}-5${h.slice(13, 16)}-${variant}${h.slice(17, 20)}-${h.slice(20, 32)}`;
}

export function cycloneDx(bill: BillOfMaterials): Record<string, unknown> {
  const root = `ostree:${bill.commit}`;
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: serial(bill.commit),
    version: 1,
    metadata: {
      timestamp: bill.created,
      tools: { components: [{ type: 'application', name: 'coppice' }] },
      component: {
        type: 'operating-system',
        'bom-ref': root,
        name: bill.name,
        ...(bill.version === undefined ? {} : { version: bill.version }),
        hashes: [{ alg: 'SHA-256', content: bill.commit }],
      },
    },
    components: bill.components.map((c) => ({
      type: 'library',
      'bom-ref': c.purl,
      name: c.nevra.name,
      version: formatEvr(c.nevra),
      ...(c.summary === '' ? {} : { description: c.summary }),
      ...(c.vendor === '' ? {} : { supplier: { name: c.vendor } }),
      ...(c.license === '' ? {} : { licenses: [{ license: { name: c.license } }] }),
      ...(c.headerSha256 === undefined ? {} : { properties: [{ name: 'rpm:header:sha256', value: c.headerSha256 }] }),
      purl: c.purl,
      ...(c.url === '' ? {} : { externalReferences: [{ type: 'website', url: c.url }] }),
    })),
    dependencies: [{ ref: root, dependsOn: bill.components.map((c) => c.purl) }],
  };
}
