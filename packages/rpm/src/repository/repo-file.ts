// .repo files (yum.repos.d): INI sections with continuation lines, and the variables in their values.
import { join } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, readFile } from '@coppice/linux';
import { isTrue, parseExpiry } from './repo-value.ts';

/** One repository as configured; lists are split, variables replaced, defaults filled in as libdnf has them. */
export interface RepositoryConfig {
  readonly id: string;
  readonly name: string;
  readonly baseUrls: readonly string[];
  readonly metalink: string | undefined;
  readonly mirrorlist: string | undefined;
  readonly enabled: boolean;
  readonly gpgCheck: boolean;
  readonly repoGpgCheck: boolean;
  readonly gpgKeys: readonly string[];
  /** Lower wins; default 99. */
  readonly priority: number;
  /** Lower wins among equal priorities; default 1000. */
  readonly cost: number;
  readonly excludePackages: readonly string[];
  readonly includePackages: readonly string[];
  /** Seconds; Infinity for `never`. Default 48 hours. */
  readonly metadataExpire: number;
  readonly skipIfUnavailable: boolean;
  readonly sslVerify: boolean;
  readonly sslCaCert: string | undefined;
  readonly sslClientCert: string | undefined;
  readonly sslClientKey: string | undefined;
  readonly proxy: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly countme: boolean;
  readonly moduleHotfixes: boolean;
}

/** Sections in file order, keys as written. Throws `Invalid` with the line number. */
export function parseIni(text: string, name: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let lastKey: string | undefined;
  text.split(/\r?\n/).forEach((line, i) => {
    const bad = (why: string): CoppiceError => new CoppiceError('Invalid', `${name}:${i + 1}: ${why}`);
    if (/^\s*$/.test(line)) {
      lastKey = undefined;
      return;
    }
    if (/^[#;]/.test(line)) return;
    if (/^\s/.test(line) && section !== undefined && lastKey !== undefined) {
      section.set(lastKey, `${section.get(lastKey)}\n${line.trim()}`);
      return;
    }
    const header = /^\[(.*)\]\s*([#;].*)?$/.exec(line);
    if (header !== null) {
      if (header[1] === '') throw bad('empty section name');
      section = sections.get(header[1]!) ?? new Map<string, string>();
      sections.set(header[1]!, section);
      lastKey = undefined;
      return;
    }
    const equals = line.indexOf('=');
    if (equals < 0) throw bad('missing "="');
    if (section === undefined) throw bad('text before the first section');
    lastKey = line.slice(0, equals).trim();
    if (lastKey === '') throw bad('missing key');
    section.set(lastKey, line.slice(equals + 1).trim());
  });
  return sections;
}

/** Replaces `$name` and `${name}`; names that are unknown stay as they are. Values are not looked at again. */
export function substituteVariables(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced: string | undefined, bare: string | undefined) => {
    const name = (braced ?? bare)!;
    if (Object.hasOwn(variables, name)) return variables[name]!;
    // `$releasever_x` where only `releasever` is known: the longest known name, as libdnf takes words whole, is none.
    return whole;
  });
}

const basearchs: Readonly<Record<string, string>> = {
  i386: 'i386',
  i486: 'i386',
  i586: 'i386',
  i686: 'i386',
  athlon: 'i386',
  x86_64: 'x86_64',
  amd64: 'x86_64',
  x86_64_v2: 'x86_64',
  aarch64: 'aarch64',
  armv7hl: 'armhfp',
  armv7hnl: 'armhfp',
  ppc64le: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
};

/** `arch`, `basearch`, `releasever` with its major and minor part, and one variable for each file in the given folders (later ones win). */
export function repositoryVariables(
  arch: string,
  releasever: string | undefined,
  varsDirs: readonly string[] = [],
  fs: FileSystem = hostFs,
): Record<string, string> {
  const out: Record<string, string> = { arch, basearch: basearchs[arch] ?? arch };
  if (releasever !== undefined) {
    out['releasever'] = releasever;
    const dot = releasever.indexOf('.');
    out['releasever_major'] = dot < 0 ? releasever : releasever.slice(0, dot);
    out['releasever_minor'] = dot < 0 ? '' : releasever.slice(dot + 1);
  }
  for (const dir of varsDirs) {
    if (fs.stat(dir) === undefined) continue;
    for (const name of fs.readdir(dir).sort()) {
      if (!/^\w+$/.test(name)) continue;
      const text = readFile(join(dir, name), { fs, limit: 64 * 1024 }).toString();
      out[name] = text.split('\n', 1)[0]!.trim();
    }
  }
  return out;
}

const list = (text: string | undefined): string[] => (text ?? '').split(/[\s,]+/).filter((word) => word !== '');

/** The repositories of one file. Section `main` is not one. Throws `Invalid`. */
export function parseRepoFile(
  text: string,
  name: string,
  variables: Readonly<Record<string, string>> = {},
): RepositoryConfig[] {
  const out: RepositoryConfig[] = [];
  for (const [id, section] of parseIni(text, name)) {
    if (id === 'main') continue;
    const get = (key: string): string | undefined => {
      const value = section.get(key);
      return value === undefined ? undefined : substituteVariables(value, variables);
    };
    const where = `${name}: [${id}]`;
    const flag = (key: string, fallback: boolean): boolean => {
      const value = get(key);
      return value === undefined ? fallback : isTrue(value, `${where} ${key}`);
    };
    const number = (key: string, fallback: number): number => {
      const value = get(key);
      if (value === undefined) return fallback;
      if (!/^-?\d{1,9}$/.test(value)) throw new CoppiceError('Invalid', `${where} ${key}: not a number: ${value}`);
      return Number(value);
    };
    if (!/^[\w.:$-]+$/.test(id)) throw new CoppiceError('Invalid', `${name}: bad repository id: ${id}`);
    const expire = get('metadata_expire');
    out.push({
      id: substituteVariables(id, variables),
      name: get('name') ?? id,
      baseUrls: list(get('baseurl')),
      metalink: get('metalink') || undefined,
      mirrorlist: get('mirrorlist') || undefined,
      enabled: flag('enabled', true),
      gpgCheck: flag('gpgcheck', false),
      repoGpgCheck: flag('repo_gpgcheck', false),
      gpgKeys: list(get('gpgkey')),
      priority: number('priority', 99),
      cost: number('cost', 1000),
      excludePackages: list(get('excludepkgs') ?? get('exclude')),
      includePackages: list(get('includepkgs')),
      metadataExpire: expire === undefined ? 48 * 3600 : parseExpiry(expire, `${where} metadata_expire`),
      skipIfUnavailable: flag('skip_if_unavailable', false),
      sslVerify: flag('sslverify', true),
      sslCaCert: get('sslcacert'),
      sslClientCert: get('sslclientcert'),
      sslClientKey: get('sslclientkey'),
      proxy: get('proxy'),
      username: get('username'),
      password: get('password'),
      countme: flag('countme', false),
      moduleHotfixes: flag('module_hotfixes', false),
    });
  }
  return out;
}

/** Every repository of the `.repo` files in a folder, in file-name order; of two with one id the later wins. */
export function loadRepoFiles(
  dir: string,
  variables: Readonly<Record<string, string>> = {},
  fs: FileSystem = hostFs,
): RepositoryConfig[] {
  let names: string[];
  try {
    names = fs.readdir(dir).filter((name) => name.endsWith('.repo'));
  } catch (error) {
    throw errnoError(error, dir);
  }
  const out = new Map<string, RepositoryConfig>();
  for (const name of names.sort()) {
    const path = join(dir, name);
    const text = readFile(path, { fs, limit: 4 * 1024 * 1024 }).toString();
    for (const repository of parseRepoFile(text, path, variables)) out.set(repository.id, repository);
  }
  return [...out.values()];
}
