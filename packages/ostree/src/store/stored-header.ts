import type { FileHeader } from '../codec/file-header.ts';
import { isRegular, S_IFLNK, S_IFREG } from '../codec/mode-bits.ts';
import { sortXattrs } from '../codec/xattrs.ts';

/** With its attributes in the order that objects have. */
export function sorted(header: FileHeader): FileHeader {
  return header.xattrs.length < 2 ? header : { ...header, xattrs: sortXattrs(header.xattrs) };
}

/** As a bare-user-only repository keeps it. */
export function canonical(header: FileHeader): FileHeader {
  const mode = isRegular(header.mode) ? S_IFREG | (header.mode & 0o755) : S_IFLNK | 0o777;
  return { uid: 0, gid: 0, mode, symlinkTarget: header.symlinkTarget, xattrs: [] };
}
