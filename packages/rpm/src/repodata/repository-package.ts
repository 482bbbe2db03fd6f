import { encodeText } from '@coppice/archive';
import type { Dependency } from '../dependency.ts';
import { formatEvr } from '../evr.ts';
import type { Header } from '../header/header.ts';
import { Tag } from '../header/tag.ts';
import { type DependencyKind, type HeaderDependency, headerDependencies, Sense } from '../package/dependencies.ts';
import { FileFlag, filePaths } from '../package/files.ts';
import { isSourceHeader } from '../package/rpm-package.ts';

export interface RepoDependency extends Dependency {
  /** Needed by an install script (`pre="1"`). */
  readonly pre?: boolean;
}

export interface RepoFile {
  readonly path: string;
  readonly type: 'file' | 'dir' | 'ghost';
}

export interface RepoChangelog {
  readonly author: string;
  /** Seconds since the epoch. */
  readonly date: number;
  readonly text: string;
}

/** A package as repository metadata describes it. Also what the solver's pool takes. */
export interface RepositoryPackage {
  readonly name: string;
  readonly epoch: string;
  readonly version: string;
  readonly release: string;
  /** `[EPOCH:]VERSION-RELEASE`, a zero epoch left out. */
  readonly evr: string;
  readonly arch: string;
  /** `type` as written, e.g. `sha256`; `value` in hex. */
  readonly checksum: { readonly type: string; readonly value: string };
  readonly summary: string;
  readonly description: string;
  readonly packager: string;
  readonly url: string;
  readonly license: string;
  readonly vendor: string;
  readonly group: string;
  readonly buildHost: string;
  readonly sourceRpm: string;
  readonly time: { readonly file: number; readonly build: number };
  readonly size: { readonly package: number; readonly installed: number; readonly archive: number };
  readonly location: { readonly href: string; readonly base?: string };
  readonly headerRange: { readonly start: number; readonly end: number };
  readonly provides: readonly RepoDependency[];
  readonly requires: readonly RepoDependency[];
  readonly conflicts: readonly RepoDependency[];
  readonly obsoletes: readonly RepoDependency[];
  readonly suggests: readonly RepoDependency[];
  readonly enhances: readonly RepoDependency[];
  readonly recommends: readonly RepoDependency[];
  readonly supplements: readonly RepoDependency[];
  /** The files of primary.xml: those a dependency is likely to name. */
  readonly files: readonly string[];
  /** Every file (filelists.xml), when loaded. */
  readonly fileList?: readonly RepoFile[];
  /** Oldest first (other.xml), when loaded. */
  readonly changelogs?: readonly RepoChangelog[];
}

/** Order of the dependency lists in primary.xml. */
export const repoDependencyKinds = [
  'provides',
  'requires',
  'conflicts',
  'obsoletes',
  'suggests',
  'enhances',
  'recommends',
  'supplements',
] as const satisfies readonly DependencyKind[];

/** The base of a location as documents have it: a path of this machine becomes an address. */
export function writtenBase(base: string | undefined): string | undefined {
  return base?.startsWith('/') === true ? `file://${base}` : base;
}

/** Whether a file belongs into primary.xml. */
export function isPrimaryFile(path: string): boolean {
  return path.startsWith('/etc/') || path.includes('bin/') || path === '/usr/lib/sendmail';
}

/** Metadata is Unicode: bytes that were not UTF-8 are read as Latin-1, the whole string of them. */
function repaired(text: string): string {
  if (!/[\udc80-\udcff]/.test(text)) return text;
  // createrepo_c leaves out what Latin-1 has between 0x80 and 0xbf.
  return encodeText(text)
    .toString('latin1')
    .replace(/[\u0080-\u00bf]/g, '');
}

/** Highest of the versioned `libc.so.6` requirements: compares the first number-led part in the parentheses. */
export function libcVersion(name: string): string {
  const open = name.indexOf('(');
  const close = name.indexOf(')', open);
  if (open < 0 || close < 0) return '';
  return /\d.*/.exec(name.slice(open + 1, close))?.[0] ?? '';
}

function requirements(
  list: readonly HeaderDependency[],
  provides: readonly HeaderDependency[],
  paths: readonly string[],
  compare: (a: string, b: string) => number,
): RepoDependency[] {
  const provided = new Set(provides.map((p) => p.name));
  const isProvided = ({ name, flags, evr }: HeaderDependency): boolean =>
    provided.has(name) && provides.some((p) => p.name === name && p.flags === flags && p.evr === evr);
  let files: ReadonlySet<string> | undefined;
  const last = new Map<string, string>();
  const out: RepoDependency[] = [];
  let libc: RepoDependency | undefined;
  for (const dependency of list) {
    const { name, flags, evr, raw } = dependency;
    if (name.startsWith('rpmlib(')) continue;
    if (name.startsWith('/') && isPrimaryFile(name)) {
      files ??= new Set(paths);
      if (files.has(name)) continue;
    }
    if (isProvided(dependency)) continue;
    const pre = (raw & (Sense.preReq | Sense.scriptPre | Sense.scriptPost)) !== 0;
    const identity = `${flags}\0${evr}\0${pre}`;
    if (last.get(name) === identity) continue;
    const kept = pre ? { name, flags, evr, pre } : { name, flags, evr };
    if (name.startsWith('libc.so.6')) {
      if (libc === undefined || compare(libcVersion(libc.name), libcVersion(name)) < 0) libc = kept;
      continue;
    }
    out.push(kept);
    last.set(name, identity);
  }
  if (libc !== undefined) out.push(libc);
  return out;
}

function changelogs(header: Header, limit: number): RepoChangelog[] {
  const times = header.getNumbers(Tag.ChangelogTime);
  const names = header.getStrings(Tag.ChangelogName);
  const texts = header.getStrings(Tag.ChangelogText);
  const out: { author: string; date: number; text: string }[] = [];
  let lastTime: number | undefined;
  const count = Math.min(times.length, names.length, texts.length, limit);
  for (let i = 0; i < count; i++) {
    const date = times[i]!;
    // Entries of one second are told apart by moving the newer ones on, as createrepo_c does.
    if (date === lastTime) {
      let moved = date;
      for (let k = out.length - 1; k >= 0; k--) {
        moved++;
        out[k]!.date = moved;
        if (k === 0 || out[k - 1]!.date !== moved) break;
      }
    }
    lastTime = date;
    out.push({ author: repaired(names[i]!), date, text: repaired(texts[i]!) });
  }
  return out.reverse();
}

export interface PackageFacts {
  readonly checksum: { readonly type: string; readonly value: string };
  /** Seconds. */
  readonly fileTime: number;
  readonly fileSize: number;
  readonly location: { readonly href: string; readonly base?: string };
  readonly headerRange: { readonly start: number; readonly end: number };
  /** Newest entries kept; 10 as createrepo_c has it. */
  readonly changelogLimit?: number;
  /** Unpacked size of the payload. */
  readonly archiveSize: number;
  readonly compareVersions: (a: string, b: string) => number;
}

/** The metadata of a package. */
export function describePackage(header: Header, facts: PackageFacts): RepositoryPackage {
  const text = (tag: number): string => repaired(header.getString(tag) ?? '');
  const lists = {} as Record<(typeof repoDependencyKinds)[number], readonly RepoDependency[]>;
  const paths = filePaths(header);
  const provides = headerDependencies(header, 'provides');
  for (const kind of repoDependencyKinds) {
    const list =
      kind === 'requires'
        ? requirements(headerDependencies(header, kind), provides, paths, facts.compareVersions)
        : kind === 'provides'
          ? provides
          : headerDependencies(header, kind);
    lists[kind] = list.map((d) => {
      const name = repaired(d.name);
      return 'pre' in d && d.pre
        ? { name, flags: d.flags, evr: d.evr, pre: true }
        : { name, flags: d.flags, evr: d.evr };
    });
  }
  const modes = header.getNumbers(Tag.FileModes);
  const flags = header.getNumbers(Tag.FileFlags);
  // createrepo_c reads the file list only where all of these tags are there.
  const described = header.has(Tag.DirIndexes) && modes.length > 0 && flags.length > 0;
  const fileList: RepoFile[] = !described
    ? []
    : paths.map((path, i) => ({
        path: repaired(path),
        type: ((modes[i] ?? 0) & 0o170000) === 0o040000 ? 'dir' : (flags[i] ?? 0) & FileFlag.ghost ? 'ghost' : 'file',
      }));
  const epoch = String(header.getNumber(Tag.Epoch) ?? 0);
  const version = text(Tag.Version);
  const release = text(Tag.Release);
  return {
    name: text(Tag.Name),
    epoch,
    version,
    release,
    evr: formatEvr({ epoch, version, release }),
    arch: isSourceHeader(header) ? 'src' : text(Tag.Arch),
    checksum: facts.checksum,
    summary: text(Tag.Summary),
    description: text(Tag.Description),
    packager: text(Tag.Packager),
    url: text(Tag.Url),
    license: text(Tag.License),
    vendor: text(Tag.Vendor),
    group: text(Tag.Group),
    buildHost: text(Tag.BuildHost),
    sourceRpm: text(Tag.SourceRpm),
    time: { file: facts.fileTime, build: header.getNumber(Tag.BuildTime) ?? 0 },
    size: {
      package: facts.fileSize,
      installed: header.getNumber(Tag.Size) ?? header.getNumber(Tag.LongSize) ?? 0,
      archive: facts.archiveSize,
    },
    location: facts.location,
    headerRange: facts.headerRange,
    ...lists,
    files: fileList.filter((f) => isPrimaryFile(f.path)).map((f) => f.path),
    fileList,
    changelogs: changelogs(header, facts.changelogLimit ?? 10),
  };
}
