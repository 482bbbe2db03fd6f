// The tree a composefs image describes: directories and links whole, files by the path and digest of their content.

/** Owners, mode with its type bits and attributes; all times are 0. */
export interface ComposefsInode {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly xattrs: readonly { readonly name: string; readonly value: Uint8Array }[];
}

export interface ComposefsFile extends ComposefsInode {
  readonly type: 'file';
  readonly size: number;
  /** Path of the content below the store, without a leading slash; not used when `size` is 0. */
  readonly content: string;
  /** fs-verity digest of the content; without it the kernel does not check. */
  readonly digest?: Uint8Array;
}

export interface ComposefsLink extends ComposefsInode {
  readonly type: 'symlink';
  readonly target: string;
}

export interface ComposefsDirectory extends ComposefsInode {
  readonly type: 'directory';
  readonly children: Map<string, ComposefsNode>;
}

export type ComposefsNode = ComposefsFile | ComposefsLink | ComposefsDirectory;
