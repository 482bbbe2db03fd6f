// RPM repositories of a deployment: /etc/yum.repos.d/*.repo with their variables filled in.
import { prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { readFile } from '@coppice/linux';
import { parseRepoFile, type RepositoryConfig } from '@coppice/rpm';

export type Repository = RepositoryConfig;

const sizeLimit = 1 << 20;

/** All repositories below `etc` (`yum.repos.d/*.repo`), in order of file names. */
export function readRepositories(fs: FileSystem, etc: string, variables: ReadonlyMap<string, string>): Repository[] {
  const dir = `${etc}/yum.repos.d`;
  if (fs.stat(dir) === undefined) return [];
  const out: Repository[] = [];
  for (const name of fs
    .readdir(dir)
    .filter((n) => n.endsWith('.repo'))
    .sort()) {
    try {
      const text = readFile(`${dir}/${name}`, { fs, limit: sizeLimit }).toString();
      out.push(...parseRepoFile(text, name, Object.fromEntries(variables)));
    } catch (error) {
      throw prefixError(error, `Parsing ${name}`);
    }
  }
  return out;
}

/** `basearch`, `releasever`, `releasever_major` and the files of /etc/dnf/vars. */
export function repositoryVariables(
  fs: FileSystem,
  etc: string,
  basearch: string,
  releasever: string | undefined,
): Map<string, string> {
  const out = new Map<string, string>([
    ['basearch', basearch],
    ['arch', basearch],
  ]);
  if (releasever !== undefined) {
    out.set('releasever', releasever);
    out.set('releasever_major', releasever.split('.')[0]!);
  }
  const dir = `${etc}/dnf/vars`;
  if (fs.stat(dir) === undefined) return out;
  for (const name of fs.readdir(dir))
    if (/^\w+$/.test(name)) out.set(name, readFile(`${dir}/${name}`, { fs, limit: 65536 }).toString().trim());
  return out;
}
