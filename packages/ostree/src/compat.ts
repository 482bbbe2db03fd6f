// Differences between releases of the original, one row each. Nothing else in the package asks for the level.

/** Releases of ostree that can be stood in for. */
export type OstreeLevel = '2019.6' | '2022.7' | '2026.4';

/** Oldest to newest. */
export const levels: readonly OstreeLevel[] = ['2019.6', '2022.7', '2026.4'];

/** The release of Fedora CoreOS' first year. */
export const eraLevel: OstreeLevel = '2019.6';

export const defaultLevel: OstreeLevel = '2026.4';

export interface OstreeCompat {
  readonly level: OstreeLevel;
  /** What `--version` and the HTTP user agent say. */
  readonly version: string;
  /** Build features that `--version` lists (those of Debian's builds; scripts probe them). */
  readonly features: readonly string[];
  /** A pull counts detached metadata that the server does not have among the metadata it fetched. */
  readonly countsMissingCommitMeta: boolean;
  /** Largest metadata object that is fetched, in bytes. */
  readonly maxFetchedMetadata: number;
  /** An exported archive has a file that it had before as a hard link. */
  readonly exportsHardLinks: boolean;
  /** Refs are listed in byte order, not in that of a hash table. */
  readonly sortsRefs: boolean;
  /** With whiteouts, a checkout in union mode puts a directory in place of a file or link. */
  readonly layersReplaceFiles: boolean;
  /**
   * Extended attributes are sorted by name wherever they come from, and directory metadata with others is wrong. Before, the
   * last one of an archive comes first, and a label of a policy last.
   */
  readonly sortsXattrs: boolean;
  /** A summary and its signature get the same time of modification. */
  readonly sameSummaryTimes: boolean;
  /** Groups of the config that can ask for fs-verity, the one that decides first. */
  readonly verityGroups: readonly ('ex-integrity' | 'ex-fsverity')[];
  /** `config set` refuses what the repository could not be opened with. */
  readonly checksConfig: boolean;
  /** Percentages must be numbers, and the keys for booting make sense, for a repository to be opened. */
  readonly checksMoreKeys: boolean;
  /** An answer such as 404 is told with the URL that was asked for. */
  readonly namesUrlOfStatus: boolean;
  /** What is printed is put into the character set of the locale; GLib from 2.90 on prints UTF-8. */
  readonly printsInCharset: boolean;
}

const features2022 = [
  'libcurl',
  'libsoup',
  'gpgme',
  'ex-fsverity',
  'libarchive',
  'selinux',
  'avahi',
  'libmount',
  'systemd',
  'release',
  'p2p',
];

/** Debian's list. */
const features2026 = [
  'inode64',
  'initial-var',
  'libcurl',
  'libsoup3',
  'gpgme',
  'composefs',
  'ex-fsverity',
  'libarchive',
  'selinux',
  'avahi',
  'libmount',
  'systemd',
  'release',
  'p2p',
];

const rows: Readonly<Record<OstreeLevel, OstreeCompat>> = {
  '2019.6': {
    level: '2019.6',
    version: '2019.6',
    features: features2022,
    countsMissingCommitMeta: true,
    maxFetchedMetadata: 10 * 1024 * 1024,
    exportsHardLinks: false,
    sortsRefs: false,
    checksConfig: false,
    checksMoreKeys: false,
    layersReplaceFiles: false,
    sortsXattrs: false,
    sameSummaryTimes: false,
    verityGroups: [],
    namesUrlOfStatus: false,
    printsInCharset: true,
  },
  '2022.7': {
    level: '2022.7',
    version: '2022.7',
    features: features2022,
    countsMissingCommitMeta: true,
    maxFetchedMetadata: 10 * 1024 * 1024,
    exportsHardLinks: false,
    sortsRefs: false,
    checksConfig: false,
    checksMoreKeys: false,
    layersReplaceFiles: false,
    sortsXattrs: false,
    sameSummaryTimes: false,
    verityGroups: ['ex-fsverity'],
    namesUrlOfStatus: false,
    printsInCharset: true,
  },
  '2026.4': {
    level: '2026.4',
    version: '2026.4',
    features: features2026,
    countsMissingCommitMeta: false,
    maxFetchedMetadata: 128 * 1024 * 1024,
    exportsHardLinks: true,
    sortsRefs: true,
    checksConfig: true,
    checksMoreKeys: true,
    layersReplaceFiles: true,
    sortsXattrs: true,
    sameSummaryTimes: true,
    verityGroups: ['ex-integrity', 'ex-fsverity'],
    namesUrlOfStatus: true,
    printsInCharset: false,
  },
};

export function ostreeCompat(level: OstreeLevel = defaultLevel): OstreeCompat {
  return rows[level];
}
