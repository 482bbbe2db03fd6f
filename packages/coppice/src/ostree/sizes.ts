import { CoppiceError } from '@coppice/base';
import type { Value } from '@coppice/gvariant';
import type { ObjectType } from '@coppice/ostree';
import { decodeVarint, formatSize } from '@coppice/ostree';
import type { OstreeCall } from './verb.ts';

interface SizeEntry {
  readonly checksum: string;
  readonly archived: number;
  readonly unpacked: number;
  readonly type: ObjectType;
}

const types: readonly (ObjectType | undefined)[] = [undefined, 'file', 'dirtree', 'dirmeta', 'commit'];

function readEntry(bytes: Uint8Array): SizeEntry {
  if (bytes.length < 32) throw new CoppiceError('Corrupt', 'Invalid checksum length in ostree.sizes');
  const { value: archived, next } = decodeVarint(bytes, 32);
  const { value: unpacked, next: end } = decodeVarint(bytes, next);
  const type = end === bytes.length ? 'file' : types[bytes[end]!];
  if (type === undefined) throw new CoppiceError('Corrupt', `Unexpected ostree.sizes object type ${bytes[end]}`);
  return { checksum: Buffer.from(bytes.subarray(0, 32)).toString('hex'), archived, unpacked, type };
}

/** `show --print-sizes`: what of the recorded sizes is missing here, and all of it. */
export function printSizes(call: OstreeCall, checksum: string): void {
  const { repo } = call;
  const found = repo.loadCommit(checksum).metadata.get('ostree.sizes');
  if (found?.type !== 'aay') throw new CoppiceError('NotFound', 'No metadata key ostree.sizes in commit');
  const need = { archived: 0, unpacked: 0, objects: 0 };
  const total = { archived: 0, unpacked: 0, objects: 0 };
  for (const bytes of found.value as readonly Value[]) {
    const entry = readEntry(bytes as Uint8Array);
    const sums = repo.hasObject(entry.type, entry.checksum) ? [total] : [total, need];
    for (const sum of sums) {
      sum.archived += entry.archived;
      sum.unpacked += entry.unpacked;
      sum.objects += 1;
    }
  }
  call.print(`Compressed size (needed/total): ${formatSize(need.archived)}/${formatSize(total.archived)}`);
  call.print(`Unpacked size (needed/total): ${formatSize(need.unpacked)}/${formatSize(total.unpacked)}`);
  call.print(`Number of objects (needed/total): ${need.objects}/${total.objects}`);
}
