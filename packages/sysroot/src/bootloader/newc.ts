// cpio archives of the kind that a kernel unpacks as an initramfs ("newc").

import type { FileStat } from '@coppice/base/fs';

const trailer = 'TRAILER!!!';

function entry(name: string, fields: readonly number[], content: Uint8Array): Buffer {
  const nameBytes = Buffer.from(`${name}\0`);
  const numbers = [...fields, nameBytes.length, 0].map((value) => (value >>> 0).toString(16).padStart(8, '0'));
  const pad = (length: number): Buffer => Buffer.alloc(-length & 3);
  const head = Buffer.concat([Buffer.from(`070701${numbers.join('')}`), nameBytes]);
  return Buffer.concat([head, pad(head.length), content, pad(content.length)]);
}

/** An archive of files and directories; `content` is empty for directories. Device numbers and links are left out. */
export function encodeNewc(
  members: readonly { readonly name: string; readonly stat: FileStat; readonly content: Uint8Array }[],
): Buffer {
  const parts = members.map(({ name, stat, content }, i) => {
    const { mode, uid, gid, nlink, mtimeMs } = stat;
    const fields = [i + 1, mode, uid, gid, nlink, Math.floor(mtimeMs / 1000), content.length, 0, 0, 0, 0];
    return entry(name, fields, content);
  });
  return Buffer.concat([...parts, entry(trailer, [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], Buffer.alloc(0))]);
}
