// Layers of an encapsulated commit: each holds objects of a repository of mode bare-split-xattrs below sysroot/ostree/repo, and
// the files of the tree as hard links to them, so that the image is a root file system and a repository at once.
import type { TarMember } from '@coppice/archive';
import { encodeXattrs, type FileHeader, type Repo, sha256 } from '@coppice/ostree';
import { S_IFLNK, S_IFMT } from '../tree/image-tree.ts';

export const layerRepo = 'sysroot/ostree/repo';

/** Where an object of `checksum` lies in a layer. */
export function objectPath(checksum: string, suffix: string): string {
  return `${layerRepo}/objects/${checksum.slice(0, 2)}/${checksum.slice(2)}.${suffix}`;
}

/** Path of a tree's file in an image: configuration is where a running system has it. */
export function imagePath(path: string): string {
  return path.replace(/^usr\/etc(?=\/|$)/, 'etc');
}

function member(path: string, type: TarMember['type'], fields: Partial<TarMember> = {}): TarMember {
  return {
    path,
    type,
    mode: 0o644,
    uid: 0,
    gid: 0,
    uname: '',
    gname: '',
    size: 0,
    mtime: 0,
    linkTarget: '',
    devMajor: 0,
    devMinor: 0,
    xattrs: [],
    ...fields,
  };
}

export function directoryMember(
  path: string,
  mode = 0o755,
  owner: { readonly uid: number; readonly gid: number } = { uid: 0, gid: 0 },
): TarMember {
  return member(path, 'directory', { mode: mode & 0o7777, ...owner });
}

export function fileMember(path: string, bytes: Uint8Array, mode = 0o644): TarMember {
  return member(path, 'file', { mode, size: bytes.length, ...(bytes.length > 0 ? { content: [bytes] } : {}) });
}

/** Writes objects and links of one layer; what a layer holds already is not repeated. */
export class ObjectLayer {
  readonly #repo: Repo;
  readonly #objects = new Set<string>();
  readonly #xattrs = new Set<string>();

  constructor(repo: Repo) {
    this.#repo = repo;
  }

  *#attributes(checksum: string, header: FileHeader): Generator<TarMember> {
    const bytes = encodeXattrs(header.xattrs);
    const name = sha256(bytes);
    const path = objectPath(name, 'file-xattrs');
    if (!this.#xattrs.has(name)) {
      this.#xattrs.add(name);
      yield fileMember(path, bytes);
    }
    yield member(objectPath(checksum, 'file-xattrs-link'), 'hardlink', { linkTarget: path });
  }

  /** A file object and the paths of the tree that have it. */
  *file(checksum: string, paths: readonly string[]): Generator<TarMember> {
    const file = this.#repo.loadFile(checksum);
    const { header } = file;
    const path = objectPath(checksum, 'file');
    const owner = { uid: header.uid, gid: header.gid, mode: header.mode & 0o7777 };
    const link = (header.mode & S_IFMT) === S_IFLNK;
    if (!this.#objects.has(checksum)) {
      this.#objects.add(checksum);
      yield* this.#attributes(checksum, header);
      if (link) yield member(path, 'symlink', { ...owner, linkTarget: header.symlinkTarget });
      else
        yield member(path, 'file', { ...owner, size: file.size, ...(file.size > 0 ? { content: file.read() } : {}) });
    }
    for (const p of paths) {
      if (link) yield member(imagePath(p), 'symlink', { ...owner, linkTarget: header.symlinkTarget });
      else yield member(imagePath(p), 'hardlink', { ...owner, linkTarget: path });
    }
  }
}
