import type { FileHeader } from './codec/file-header.ts';
import type { Xattr } from './codec/xattrs.ts';

/** What the filter sees of a file or directory and may change. */
export interface EntryOwnership {
  readonly uid: number;
  readonly gid: number;
  /** With file type bits, which a filter must keep. */
  readonly mode: number;
}

/** Identity of a file in a checkout, to its checksum: spares hashing what is known. Key `${dev}:${ino}`. */
export type DevInoCache = Map<string, string>;

export function devInoKey(dev: number, ino: number): string {
  return `${dev}:${ino}`;
}

/** How entries are changed on their way from a directory, archive or tree into a commit. */
export interface CommitModifier {
  /** Called with the absolute path in the tree; `skip` leaves the entry (and all below) out, values replace. */
  readonly filter?: (path: string, entry: EntryOwnership) => 'allow' | 'skip' | EntryOwnership;
  /** Owner 0:0, files `mode & 0755`, directories likewise, no attributes. */
  readonly canonicalPermissions?: boolean;
  readonly skipXattrs?: boolean;
  /** Replaces the attributes read from the source. */
  readonly xattrs?: (path: string, header: EntryOwnership & { readonly symlinkTarget?: string }) => readonly Xattr[];
  /** SELinux context, without NUL, for an entry; undefined leaves it without label. */
  readonly label?: (path: string, mode: number) => string | undefined;
  /** Without a label for an entry, fail. */
  readonly errorOnUnlabeled?: boolean;
  readonly devino?: DevInoCache;
  /** Files found in `devino` are taken as they are, filters and all. */
  readonly devinoCanonical?: boolean;
  /** Moves files out of the source directory where their metadata allow it, and removes it. */
  readonly consume?: boolean;
}

export type { FileHeader };
