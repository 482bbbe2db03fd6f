import type { FileSystem } from '@coppice/base/fs';
import { encodeDirMeta } from '../codec/dirmeta.ts';
import type { FileHeader } from '../codec/file-header.ts';
import { isSymlink } from '../codec/mode-bits.ts';
import type { RepoMode } from '../codec/object-type.ts';
import { applyAttributes, createFlags, type FileAttributes } from './file-attributes.ts';
import { ostreeMetaAttribute } from './load-file.ts';

/** How a mode keeps a content object's owner, mode, attributes and times on the file that holds it. */
export class DiskForm {
  readonly #fs: FileSystem;
  readonly #mode: RepoMode;
  readonly #syncFiles: boolean;
  readonly #probe: () => string;
  #created: { uid: number; gid: number; umask: number } | undefined;

  /** `probe` names a file that may be made and removed where objects are written. */
  constructor(fs: FileSystem, mode: RepoMode, options: { syncFiles: boolean; probe: () => string }) {
    this.#fs = fs;
    this.#mode = mode;
    this.#syncFiles = options.syncFiles;
    this.#probe = options.probe;
  }

  /** Owner and mode mask that new files get here; learnt from one, so that calls that change nothing can be left out. */
  owner(): { uid: number; gid: number; umask: number } {
    if (this.#created === undefined) {
      const fs = this.#fs;
      const probe = this.#probe();
      const fd = fs.open(probe, createFlags, 0o777);
      try {
        const { uid, gid, mode } = fs.fstat(fd);
        this.#created = { uid, gid, umask: ~mode & 0o777 };
      } finally {
        fs.close(fd);
        fs.unlink(probe);
      }
    }
    return this.#created;
  }

  #diskMode(header: FileHeader): number {
    switch (this.#mode) {
      case 'archive':
        return 0o644;
      case 'bare-user':
        return isSymlink(header.mode) ? 0o644 : (header.mode & 0o775) | 0o400;
      default:
        return header.mode & 0o7777;
    }
  }

  /** What the file of an object gets. */
  attributes(header: FileHeader): FileAttributes {
    const mode = this.#mode;
    const created = this.owner();
    const wanted = this.#diskMode(header);
    // Without privileges, attributes can be set only while the owner may write.
    const opened = (mode === 'bare-user' || (mode === 'bare' && header.xattrs.length > 0)) && (wanted & 0o200) === 0;
    const chowned = mode === 'bare' && (created.uid !== header.uid || created.gid !== header.gid);
    const { uid, gid, xattrs } = header;
    const changed = chowned || opened || (wanted & 0o7000) !== 0 || (wanted & created.umask) !== 0;
    return {
      createMode: (wanted & 0o777) | (opened ? 0o200 : 0),
      owner: chowned ? { uid, gid } : undefined,
      xattrs:
        mode === 'bare-user'
          ? [{ name: ostreeMetaAttribute, value: encodeDirMeta({ uid, gid, mode: header.mode, xattrs }) }]
          : mode === 'bare'
            ? xattrs
            : [],
      mode: changed ? wanted : undefined,
      epoch: mode !== 'archive',
      sync: this.#syncFiles,
    };
  }

  /** A new file for an object; `finish` follows when its content is there. */
  open(path: string, header: FileHeader): number {
    return this.#fs.open(path, createFlags, this.attributes(header).createMode);
  }

  /** Owner, attributes, mode and times. */
  finish(fd: number, header: FileHeader): void {
    applyAttributes(this.#fs, fd, this.attributes(header));
  }
}
