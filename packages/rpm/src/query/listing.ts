// `rpm -q --dump` and `--list`; the rest of what rpm prints are query formats (`named-formats.ts`).
import type { Header } from '../header/header.ts';
import { FileFlag, fileDigestAlgorithm, packageFiles } from '../package/files.ts';

const digestLengths: Readonly<Record<string, number>> = {
  md5: 32,
  sha1: 40,
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
};

/** One line per file as `--dump`: path size mtime digest mode owner group isconfig isdoc rdev symlink. */
export function dumpLines(header: Header): string[] {
  const files = packageFiles(header);
  if (files.length === 0) return ['(contains no files)'];
  const empty = '0'.repeat(digestLengths[fileDigestAlgorithm(header)] ?? 64);
  return files.map((f) => {
    const config = f.flags & FileFlag.config ? 1 : 0;
    const doc = f.flags & FileFlag.doc ? 1 : 0;
    return `${f.path} ${f.size} ${f.mtime} ${f.digest === '' ? empty : f.digest} 0${f.mode.toString(8)} ${f.user} ${f.group} ${config} ${doc} ${f.rdev} ${f.linkTarget === '' ? 'X' : f.linkTarget}`;
  });
}

/** `--list`. */
export function fileLines(header: Header): string[] {
  const files = packageFiles(header);
  return files.length === 0 ? ['(contains no files)'] : files.map((f) => f.path);
}
