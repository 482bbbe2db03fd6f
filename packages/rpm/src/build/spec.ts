// What `buildPackage` makes a package from. Everything a spec file can put into a binary package header.
import type { Dependency } from '../dependency.ts';

/** `name`, `name >= 1:2-3`, a rich dependency `(a if b)`, or the parsed form with extra RPMSENSE_* bits in `sense`. */
export type DependencySpec = string | (Dependency & { readonly sense?: number });

export interface ScriptSpec {
  /** May be left out for `%post -p /sbin/ldconfig`. */
  readonly body?: string;
  /** Default `/bin/sh`; `<lua>` for the built-in interpreter; several words carry arguments. */
  readonly interpreter?: string | readonly string[];
  /** RPMSCRIPT_FLAG_* bits: 1 expand macros, 2 query format, 4 critical. */
  readonly flags?: number;
}

export type ScriptName = 'pre' | 'post' | 'preun' | 'postun' | 'pretrans' | 'posttrans' | 'verify';

export interface TriggerSpec {
  readonly type: 'prein' | 'in' | 'un' | 'postun';
  /** The packages that set it off. */
  readonly on: readonly DependencySpec[];
  readonly script: ScriptSpec | string;
}

export interface FileTriggerSpec {
  readonly type: 'in' | 'un' | 'postun';
  /** Path prefixes. */
  readonly on: readonly string[];
  readonly script: ScriptSpec | string;
  /** Default 1000000. */
  readonly priority?: number;
}

/** Where a file's bytes come from. `chunks` is called once. */
export type FileContent =
  | string
  | Uint8Array
  | { readonly size: number; chunks(): Iterable<Uint8Array> }
  | { readonly file: string };

export interface FileSpec {
  /** Absolute. */
  readonly path: string;
  readonly type?: 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo';
  /** Permission bits. Default 0644 for files, 0755 for directories. */
  readonly mode?: number;
  readonly user?: string;
  readonly group?: string;
  readonly content?: FileContent;
  /** Target of a symbolic link. */
  readonly target?: string;
  /** Another path of this package that this one is a hard link to. */
  readonly hardlink?: string;
  /** Seconds; default: the package's build time. */
  readonly mtime?: number;
  readonly config?: boolean | 'noreplace';
  readonly doc?: boolean;
  readonly license?: boolean;
  readonly missingOk?: boolean;
  readonly artifact?: boolean;
  /** In the header but not in the payload. */
  readonly ghost?: boolean;
  /** Size recorded for a ghost. */
  readonly size?: number;
  /** Capabilities in text form, e.g. `cap_net_raw=ep`. */
  readonly caps?: string;
  readonly lang?: string;
  /** RPMVERIFY_* bits; default all, for ghosts those rpmbuild keeps. */
  readonly verify?: number;
  /** Device number of character and block devices, as in `st_rdev` (16 bits). */
  readonly rdev?: number;
}

export interface ChangelogSpec {
  /** Seconds since the epoch; rpmbuild uses noon UTC. */
  readonly time: number;
  /** `Name <address> - version-release`. */
  readonly author: string;
  readonly text: string;
}

export interface PackageSpec {
  readonly name: string;
  readonly version: string;
  readonly release: string;
  readonly epoch?: number;
  readonly arch: string;
  readonly summary: string;
  readonly description?: string;
  readonly license: string;
  readonly group?: string;
  readonly url?: string;
  readonly bugUrl?: string;
  readonly vendor?: string;
  readonly packager?: string;
  readonly distribution?: string;
  /** Default `linux`. */
  readonly os?: string;
  /** Seconds since the epoch; default 0, so that equal specs give equal packages. */
  readonly buildTime?: number;
  readonly buildHost?: string;
  /** Default `NAME-VERSION-RELEASE.src.rpm`. */
  readonly sourceRpm?: string;
  readonly platform?: string;
  readonly optFlags?: string;
  readonly modularityLabel?: string;
  readonly provides?: readonly DependencySpec[];
  readonly requires?: readonly DependencySpec[];
  readonly conflicts?: readonly DependencySpec[];
  readonly obsoletes?: readonly DependencySpec[];
  readonly recommends?: readonly DependencySpec[];
  readonly suggests?: readonly DependencySpec[];
  readonly supplements?: readonly DependencySpec[];
  readonly enhances?: readonly DependencySpec[];
  readonly order?: readonly DependencySpec[];
  /** Add `name = evr`, `name(isa) = evr` and `config(name)` as rpmbuild does (default true). */
  readonly autoProvides?: boolean;
  readonly scripts?: Partial<Readonly<Record<ScriptName, ScriptSpec | string>>>;
  readonly triggers?: readonly TriggerSpec[];
  readonly fileTriggers?: readonly FileTriggerSpec[];
  readonly transFileTriggers?: readonly FileTriggerSpec[];
  readonly files?: readonly FileSpec[];
  /** Newest first. */
  readonly changelog?: readonly ChangelogSpec[];
  readonly payload?: {
    readonly compressor?: 'zstd' | 'gzip' | 'xz' | 'bzip2' | 'lzma' | 'none';
    /** Default 19 for zstd, 9 for gzip, 6 for xz. */
    readonly level?: number;
    /** Write the archive in rpm's stripped form; always done for files over 4 GiB. */
    readonly stripped?: boolean;
  };
}
