// Wrappers put into a root file system on disk.
import { lstatSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { replaceFile } from '@coppice/linux';
import { cliwrapPrograms, wrappedDirectory, wrapperFor } from '@coppice/rpm-ostree';

/** Moves the real programs aside and puts wrappers in their places; those that are wrapped already stay. */
export function installWrappers(root: string): void {
  mkdirSync(join(root, wrappedDirectory), { recursive: true, mode: 0o755 });
  for (const name of cliwrapPrograms) {
    const { path, text, instead } = wrapperFor(name);
    const at = join(root, path);
    const there = lstatSync(at, { throwIfNoEntry: false });
    if (there?.isFile() === true && readFileSync(at, 'latin1').includes('rpm-ostree cliwrap')) continue;
    if (there === undefined && instead === undefined) continue;
    mkdirSync(dirname(at), { recursive: true });
    if (there !== undefined) renameSync(at, join(root, wrappedDirectory, basename(path)));
    replaceFile(at, Buffer.from(there === undefined ? instead! : text), { mode: 0o755 });
  }
}
