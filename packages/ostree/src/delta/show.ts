import { formatSize } from '../codec/format-size.ts';
import type { Repo } from '../repo.ts';
import { openPart } from './apply.ts';
import { type DeltaName, deltaFilePath } from './name.ts';
import { countOperations } from './operations.ts';
import { readDeltaFile } from './store.ts';
import {
  type DeltaEndianness,
  decodeSuperblock,
  inlinePart,
  isSigned,
  readSigned,
  type Superblock,
} from './superblock.ts';

const endianText: Readonly<Record<DeltaEndianness, string>> = {
  little: 'little',
  big: 'big',
  'little-heuristic': 'little (heuristic)',
  'big-heuristic': 'big (heuristic)',
  invalid: 'invalid',
};

function sizes(label: string, bytes: number): string {
  return `${label}: ${bytes} (${formatSize(bytes)})\n`;
}

/** The text of `static-delta show`. `read` gives the bytes of a part that is not inline. */
export function showDelta(repo: Repo, name: DeltaName, file: Buffer): string {
  const inner = readSigned(file)?.inner ?? Uint8Array.from(file);
  const block = decodeSuperblock(inner);
  let out = `Delta: ${name.hex}\nSigned: ${isSigned(file) ? 'yes' : 'no'}\n`;
  out += block.from === undefined ? 'From <scratch>\n' : `From: ${block.from}\n`;
  out += `To: ${block.to}\nEndianness: ${endianText[block.endianness]}\nTimestamp: ${block.timestamp}\n`;
  out += 'Number of parents: 0\n';
  out += `Number of fallback entries: ${block.fallbacks.length}\n`;
  let fallback = 0;
  let fallbackPlain = 0;
  for (const entry of block.fallbacks) {
    out += `  ${entry.checksum}\n`;
    fallback += entry.compressedSize;
    fallbackPlain += entry.uncompressedSize;
  }
  out += sizes('Total Fallback Size', fallback) + sizes('Total Fallback Uncompressed Size', fallbackPlain);
  out += `Number of parts: ${block.parts.length}\n`;
  let size = 0;
  let plain = 0;
  for (const i of block.parts.keys()) {
    out += showPart(repo, block, i);
    size += block.parts[i]!.size;
    plain += block.parts[i]!.uncompressedSize;
  }
  out += sizes('Total Part Size', size) + sizes('Total Part Uncompressed Size', plain);
  return out + sizes('Total Size', size + fallback) + sizes('Total Uncompressed Size', plain + fallbackPlain);
}

function showPart(repo: Repo, block: Superblock, i: number): string {
  const part = block.parts[i]!;
  const path = deltaFilePath(block.from, block.to, String(i));
  let out = `PartMeta${i}: nobjects=${part.objects.length} size=${part.size} usize=${part.uncompressedSize}\n`;
  const bytes = inlinePart(block, path) ?? readDeltaFile(repo, path, 2 ** 30);
  const payload = openPart(part, bytes);
  const { modes, xattrs, blob, operations } = payload;
  out += `PartPayload${i}: nmodes=${modes.length} nxattrs=${xattrs.length} blobsize=${blob.length} opsize=${operations.length}\n`;
  const c = countOperations(part, payload);
  out += `PartPayloadOps${i}: openspliceclose=${c.spliceAndClose} open=${c.open} write=${c.write} setread=${c.setRead} unsetread=${c.unsetRead} close=${c.close} bspatch=${c.bspatch}\n`;
  return out;
}
