import { decodeArchiveHeader, encodeArchiveHeader, type FileHeader } from '../codec/file-header.ts';

/** How a content object is made from another one, for a thread that shares the memory where the patch lies. */
export interface PatchRecipe {
  readonly header: FileHeader;
  readonly size: number;
  /** Object that is patched, and its file. */
  readonly old: string;
  readonly oldPath: string;
  /** Number of the shared memory, and where the patch is in it. */
  readonly memory: number;
  readonly offset: number;
  readonly length: number;
}

// u32 memory, f64 offset, f64 length, u32 length of the header, the checksum (32 bytes), header as in an archive, path.

const fixedBytes = 24 + 32;

export function encodeRecipe(recipe: PatchRecipe): Buffer {
  const header = encodeArchiveHeader(recipe.header, recipe.size);
  const fixed = Buffer.alloc(fixedBytes);
  fixed.writeUInt32LE(recipe.memory, 0);
  fixed.writeDoubleLE(recipe.offset, 4);
  fixed.writeDoubleLE(recipe.length, 12);
  fixed.writeUInt32LE(header.length, 20);
  fixed.write(recipe.old, 24, 'hex');
  return Buffer.concat([fixed, header, Buffer.from(recipe.oldPath)]);
}

export function decodeRecipe(bytes: Buffer): PatchRecipe {
  const headerEnd = fixedBytes + bytes.readUInt32LE(20);
  // Its texts and attributes must not change with the slot.
  const { size, ...header } = decodeArchiveHeader(Buffer.from(bytes.subarray(fixedBytes, headerEnd)));
  return {
    header,
    size,
    old: bytes.toString('hex', 24, fixedBytes),
    oldPath: bytes.toString('utf8', headerEnd),
    memory: bytes.readUInt32LE(0),
    offset: bytes.readDoubleLE(4),
    length: bytes.readDoubleLE(12),
  };
}
