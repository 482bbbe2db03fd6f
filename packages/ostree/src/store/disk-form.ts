import { constants } from 'node:fs';
import { errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { encodeDirMeta } from '../codec/dirmeta.ts';
import type { FileHeader } from '../codec/file-header.ts';
import { isSymlink } from '../codec/mode-bits.ts';
import type { RepoMode } from '../codec/object-type.ts';
import { ostreeMetaAttribute } from './load-file.ts';

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

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

  /** A new file for an object. */
  open(path: string, header: FileHeader): number {
    // Never wider than the object will be, and without set-id bits until the owner is right.
    const extra = this.#needsOwnerWrite(header) ? 0o200 : 0;
    return this.#fs.open(path, createFlags, (this.#diskMode(header) & 0o777) | extra);
  }

  /** Without privileges, attributes can be set only while the owner may write. */
  #needsOwnerWrite(header: FileHeader): boolean {
    return this.#mode === 'bare-user' || (this.#mode === 'bare' && header.xattrs.length > 0);
  }

  /** Owner, attributes, mode and times, in the order that keeps set-id bits. */
  finish(fd: number, header: FileHeader): void {
    const mode = this.#mode;
    const fs = this.#fs;
    const owner = this.owner();
    if (mode === 'bare') {
      let chowned = false;
      if (owner.uid !== header.uid || owner.gid !== header.gid) {
        try {
          fs.fchown(fd, header.uid, header.gid);
        } catch (error) {
          throw errnoError(error, 'fchown');
        }
        chowned = true;
      }
      for (const { name, value } of header.xattrs) fs.fsetxattr(fd, name, value);
      const wanted = header.mode & 0o7777;
      const opened = header.xattrs.length > 0 && (wanted & 0o200) === 0;
      if (chowned || opened || (wanted & 0o7000) !== 0 || (wanted & owner.umask) !== 0) fs.fchmod(fd, wanted);
    } else {
      if (mode === 'bare-user') {
        const { uid, gid, xattrs } = header;
        fs.fsetxattr(fd, ostreeMetaAttribute, encodeDirMeta({ uid, gid, mode: header.mode, xattrs }));
      }
      const wanted = this.#diskMode(header);
      if ((wanted & owner.umask) !== 0 || (mode === 'bare-user' && (wanted & 0o200) === 0)) fs.fchmod(fd, wanted);
    }
    if (mode !== 'archive') fs.futimes(fd, Date.now() / 1000, 0);
    if (this.#syncFiles) fs.fsync(fd);
  }
}
