export type TarType = 'file' | 'hardlink' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo';

export interface TarXattr {
  readonly name: string;
  readonly value: Uint8Array;
}

/** One member as it stands in the archive. Names are lossless strings (see `decodeText`) and unchecked: callers bound where they lead. */
export interface TarHeader {
  /** Without the trailing slash of directories. */
  readonly path: string;
  readonly type: TarType;
  /** Permission bits with setuid, setgid and sticky, without the file type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly uname: string;
  readonly gname: string;
  /** Length of the content (with its holes filled, for sparse files). */
  readonly size: number;
  /** Seconds since the epoch, with a fraction where the archive has one. */
  readonly mtime: number;
  /** Of hard and symbolic links. */
  readonly linkTarget: string;
  readonly devMajor: number;
  readonly devMinor: number;
  readonly xattrs: readonly TarXattr[];
}

export interface TarEntry extends TarHeader {
  /** The content, once, before the next member is asked for; what is not read is skipped. */
  data(): Generator<Uint8Array>;
}

export const tarBlock = 512;

export const tarTypeFlags: Readonly<Record<TarType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};
