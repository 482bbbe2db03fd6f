// RPM repositories of a deployment: /etc/yum.repos.d/*.repo with their variables filled in.
import { CoppiceError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { KeyFile } from '@coppice/keyfile';
import { readFile } from '@coppice/linux';

export interface Repository {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly baseUrls: readonly string[];
  readonly metalink: string | undefined;
  readonly mirrorlist: string | undefined;
  readonly gpgcheck: boolean;
  readonly repoGpgcheck: boolean;
  readonly gpgKeys: readonly string[];
  /** Lower wins; 99 by default. */
  readonly priority: number;
  readonly cost: number;
  readonly excludes: readonly string[];
  readonly includes: readonly string[];
  /** Seconds metadata stay fresh; undefined for ever. */
  readonly expires: number | undefined;
  readonly sslVerify: boolean;
}

const sizeLimit = 1 << 20;

/** `48h`, `2d`, `3600`, `never`. */
function expiry(text: string | undefined): number | undefined {
  if (text === undefined) return 48 * 3600;
  if (text === 'never' || text === '-1') return undefined;
  const match = /^(\d+)([dhms]?)$/.exec(text.trim());
  if (match === null) throw new CoppiceError('Invalid', `unknown value for metadata_expire: ${text}`);
  const unit = { d: 86400, h: 3600, m: 60, s: 1, '': 1 }[match[2] as 'd' | 'h' | 'm' | 's' | '']!;
  return Number(match[1]) * unit;
}

function flag(text: string | undefined, fallback: boolean): boolean {
  if (text === undefined) return fallback;
  return ['1', 'yes', 'true', 'on'].includes(text.trim().toLowerCase());
}

const list = (text: string | undefined): string[] => (text ?? '').split(/[\s,]+/).filter((w) => w !== '');

/** Repositories of one `.repo` text. Values may go on in indented lines. */
export function parseRepoFile(text: string, variables: ReadonlyMap<string, string>): Repository[] {
  // The format is ini with continuation lines; joined, it is a key file.
  const joined = text
    .split('\n')
    .map((l) => l.trimEnd())
    .reduce<string[]>((lines, line) => {
      if (/^\s+\S/.test(line) && lines.length > 0 && lines.at(-1)!.includes('='))
        lines[lines.length - 1] += ` ${line.trim()}`;
      else lines.push(line.trimStart());
      return lines;
    }, [])
    .join('\n');
  const file = KeyFile.parse(joined);
  const fill = (value: string): string =>
    value.replace(/\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?/g, (whole, name: string) => variables.get(name) ?? whole);
  return file
    .groups()
    .filter((g) => g !== 'main')
    .map((id): Repository => {
      const get = (key: string): string | undefined => {
        const value = file.raw(id, key);
        return value === undefined || value === '' ? undefined : fill(value.trim());
      };
      return {
        id: fill(id),
        name: get('name') ?? id,
        enabled: flag(get('enabled'), true),
        baseUrls: list(get('baseurl')),
        metalink: get('metalink'),
        mirrorlist: get('mirrorlist'),
        gpgcheck: flag(get('gpgcheck'), false),
        repoGpgcheck: flag(get('repo_gpgcheck'), false),
        gpgKeys: list(get('gpgkey')),
        priority: Number(get('priority') ?? 99),
        cost: Number(get('cost') ?? 1000),
        excludes: list(get('excludepkgs') ?? get('exclude')),
        includes: list(get('includepkgs')),
        expires: expiry(get('metadata_expire')),
        sslVerify: flag(get('sslverify'), true),
      };
    });
}

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
      out.push(...parseRepoFile(readFile(`${dir}/${name}`, { fs, limit: sizeLimit }).toString(), variables));
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
