// /etc/fstab as getmntent(3) reads it, as far as mount points go.

import type { FileSystem } from '@coppice/base/fs';
import { readFile } from '@coppice/linux';

const limit = 1 << 20;
const escapes: Readonly<Record<string, string>> = {
  '\\040': ' ',
  '\\011': '\t',
  '\\012': '\n',
  '\\134': '\\',
  '\\\\': '\\',
};

/** The mount points of an fstab, without doubled and trailing slashes; none when there is no such file. */
export function fstabMounts(fs: FileSystem, path: string): string[] {
  if (fs.stat(path) === undefined) return [];
  return parseFstabMounts(readFile(path, { fs, limit }).toString());
}

/** The second field of every line that is no comment. */
export function parseFstabMounts(text: string): string[] {
  const mounts: string[] = [];
  for (const line of text.split('\n')) {
    const trimmed = line.replace(/^[ \t]+/, '');
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const field = trimmed.split(/[ \t]+/)[1] ?? '';
    const where = field.replace(/\\(?:040|011|012|134|\\)/g, (found) => escapes[found]!);
    mounts.push(where.replace(/\/+/g, '/').replace(/(.)\/$/, '$1'));
  }
  return mounts;
}
