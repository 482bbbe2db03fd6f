// The 96-byte lead. Only its magic and type still mean anything; the rest is written as rpmbuild writes it.
import { encodeText } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';

export const leadSize = 96;

export interface Lead {
  readonly major: number;
  readonly minor: number;
  readonly source: boolean;
}

/** Throws `Invalid` with rpm's wording when the bytes are no package. */
export function parseLead(bytes: Uint8Array): Lead {
  const lead = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (lead.length < leadSize || lead.readUInt32BE(0) !== 0xedabeedb)
    throw new CoppiceError('Invalid', 'not an rpm package (or package manifest)');
  const type = lead.readUInt16BE(6);
  if (type > 1) throw new CoppiceError('Invalid', 'illegal package type');
  return { major: lead[4]!, minor: lead[5]!, source: type === 1 };
}

/** Architecture numbers of rpm's rpmrc; informational. */
const archNumbers: Readonly<Record<string, number>> = {
  noarch: 1,
  i386: 1,
  i486: 1,
  i586: 1,
  i686: 1,
  x86_64: 1,
  armv7hl: 12,
  ppc64: 16,
  ppc64le: 16,
  s390x: 15,
  aarch64: 19,
  riscv64: 22,
};

export function buildLead(name: string, arch: string, source: boolean): Buffer {
  const lead = Buffer.alloc(leadSize);
  lead.writeUInt32BE(0xedabeedb, 0);
  lead[4] = 3;
  lead.writeUInt16BE(source ? 1 : 0, 6);
  lead.writeUInt16BE(archNumbers[arch] ?? 255, 8);
  encodeText(name).copy(lead, 10, 0, 65);
  lead.writeUInt16BE(1, 76);
  lead.writeUInt16BE(5, 78);
  return lead;
}
