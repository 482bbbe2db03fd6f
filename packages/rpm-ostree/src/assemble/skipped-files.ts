// Files of a package that rpm would not install: documentation, and languages that nobody asked for. The database knows them
// as not installed (rpm, rpmte and psm: skipInstallFiles).
import { FileFlag, type Header, packageFiles, type RpmFile } from '@coppice/rpm';
import { imageFiles } from './package-files.ts';

export interface InstallChoice {
  /** `%_install_langs`; empty for all. */
  readonly langs: readonly string[];
  readonly nodocs: boolean;
}

/** State of a file that was left out, in the database. */
export const notInstalled = 2;
const directory = 0o040000;

/** A file for a language is wanted by each that begins with it: `en` by `en_US`. */
function wantedLanguage(file: RpmFile, langs: readonly string[]): boolean {
  if (file.lang === '' || langs.length === 0) return true;
  const own = file.lang.split('|').filter((l) => l !== '');
  return langs.some((lang) => own.some((l) => lang.startsWith(l)));
}

/** Indexes of the files that are left out; a listed directory goes with the last file directly in it. */
export function skippedFiles(header: Header, choice: InstallChoice): ReadonlySet<number> {
  const out = new Set<number>();
  if (choice.langs.length === 0 && !choice.nodocs) return out;
  const files = packageFiles(header);
  const parent = (path: string): string => path.slice(0, path.lastIndexOf('/'));
  const left = new Map<string, number>();
  for (const f of files) left.set(parent(f.path), (left.get(parent(f.path)) ?? 0) + 1);
  const emptied = new Set<string>();
  for (const f of files) {
    if (wantedLanguage(f, choice.langs) && !(choice.nodocs && (f.flags & FileFlag.doc) !== 0)) continue;
    out.add(f.index);
    const dir = parent(f.path);
    left.set(dir, left.get(dir)! - 1);
    if (left.get(dir) === 0) emptied.add(dir);
  }
  for (const f of files) if ((f.mode & 0o170000) === directory && emptied.has(f.path)) out.add(f.index);
  return out;
}

/** Paths in an image of the files with these indexes; a directory only when nothing of the package stays in it. */
export function skippedPaths(header: Header, skipped: ReadonlySet<number>): ReadonlySet<string> {
  const out = new Set<string>();
  if (skipped.size === 0) return out;
  const all = [...imageFiles(header)];
  const kept = all.filter(({ file }) => !skipped.has(file.index)).map(({ path }) => path);
  for (const { path, file } of all)
    if (skipped.has(file.index) && !kept.some((k) => k.startsWith(`${path}/`))) out.add(path);
  return out;
}
