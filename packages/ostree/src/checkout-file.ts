import { constants } from 'node:fs';
import { CoppiceError, errnoError, isCoppiceError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { removeTree } from '@coppice/linux';
import type { CheckoutOptions } from './checkout.ts';
import type { FileHeader } from './codec/file-header.ts';
import { isDirectory, isRegular, isSymlink } from './codec/mode-bits.ts';
import { looseName } from './codec/object-type.ts';
import type { Xattr } from './codec/xattrs.ts';
import { withLabel } from './commit-directory.ts';
import { devInoKey } from './modifier.ts';
import { contentPlace, type FoundObject, type Repo } from './repo.ts';
import { ContentReader } from './store/content-reader.ts';
import { type LoadedFile, loadFile, readXattrs } from './store/load-file.ts';
import { randomName } from './store/random-name.ts';
import { uncompressedObject } from './store/uncompressed-cache.ts';

const whiteoutPrefix = '.wh.';
const passthroughPrefix = '.ostree-wh.';
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Puts one content object after another into directories. */
export class FileCheckout {
  readonly #repo: Repo;
  readonly #fs: FileSystem;
  readonly #options: CheckoutOptions;
  readonly #user: boolean;
  readonly #reader = new ContentReader();

  constructor(repo: Repo, fs: FileSystem, options: CheckoutOptions) {
    this.#repo = repo;
    this.#fs = fs;
    this.#options = options;
    // What a bare-user-only repository stores is what user mode writes.
    this.#user = options.mode === 'user' || repo.mode === 'bare-user-only';
  }

  /** `inDest` is the absolute path below the checkout's root. */
  file(checksum: string, directory: string, name: string, inDest: string): void {
    const options = this.#options;
    if (options.filter?.(inDest, 'file') === 'skip') return;
    if (options.whiteouts === true && name.startsWith(whiteoutPrefix)) {
      const hidden = name.slice(whiteoutPrefix.length);
      if (hidden !== '' && hidden !== '.' && hidden !== '..') removeTree(`${directory}/${hidden}`, this.#fs);
      return;
    }
    const found = this.#repo.findObject('file', checksum);
    if (found === undefined) {
      throw new CoppiceError('NotFound', `Couldn't find file object '${checksum}'`, {
        data: { type: 'file', checksum },
      });
    }
    if (options.passthroughWhiteouts === true && name.startsWith(passthroughPrefix)) {
      this.#whiteoutDevice(checksum, directory, name.slice(passthroughPrefix.length));
      return;
    }
    const dest = `${directory}/${name}`;
    const holder = found.repo;
    if (options.forceCopy !== true && options.label === undefined) {
      const source = this.#linkSource(found, checksum);
      if (source !== undefined && this.#link(source, dest, name, checksum, holder)) return;
    }
    if (options.noCopyFallback === true && !this.#mayCopy(checksum)) {
      throw new CoppiceError('Unsupported', this.#cannotLink(holder));
    }
    this.#copy(loadFile(contentPlace(found), checksum), checksum, directory, name, inDest);
  }

  #cannotLink(holder: Repo): string {
    return holder.mode === 'bare-user' && !this.#user
      ? 'User repository mode requires user checkout mode to hardlink'
      : 'Bare repository mode cannot hardlink in user checkout mode';
  }

  #mayCopy(checksum: string): boolean {
    const { header, size } = this.#repo.loadFile(checksum);
    return isSymlink(header.mode) || size === 0 || (this.#user && (header.mode & 0o400) === 0);
  }

  /** A parent's object may fit where the repository's own does not. */
  #parentSource({ repo: holder }: FoundObject, checksum: string): string | undefined {
    for (let at = holder.parent; at !== undefined; at = at.parent) {
      const found = at.findObject('file', checksum);
      if (found === undefined) return undefined;
      const source = this.#linkSource(found, checksum);
      if (source !== undefined) return source;
    }
    return undefined;
  }

  /** Path to hard-link, when this object can be. */
  #linkSource(found: FoundObject, checksum: string): string | undefined {
    const { repo: holder, path, stat } = found;
    const fits =
      holder.mode === 'bare'
        ? !this.#user
        : holder.mode === 'bare-user'
          ? this.#user
          : holder.mode === 'bare-user-only';
    if (fits) {
      if (holder.mode === 'bare-user-only' && (stat.mode & 0o400) === 0) return undefined;
      if (isRegular(stat.mode) && stat.size === 0 && this.#options.copyEmptyFiles !== false) return undefined;
      if (holder.mode !== 'bare' && isSymlink(stat.mode)) return undefined;
      if (holder.mode === 'bare-user') {
        const { header } = loadFile(contentPlace(found), checksum);
        if (isSymlink(header.mode) || (header.mode & 0o400) === 0) return undefined;
      }
      return path;
    }
    const parents = this.#parentSource(found, checksum);
    if (parents !== undefined) return parents;
    const cached = this.#options.uncompressedCache === true && holder.settings.enableUncompressedCache;
    if (holder.mode === 'archive' && this.#user && cached) return uncompressedObject(holder, checksum, this.#reader);
    return undefined;
  }

  /** False when the file system cannot; existing files are dealt with. */
  #link(source: string, dest: string, name: string, checksum: string, holder: Repo): boolean {
    const fs = this.#fs;
    try {
      fs.link(source, dest);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === 'EEXIST') return this.#linkOver(error, source, dest, name, checksum, holder);
      const soft = code === 'EMLINK' || code === 'EXDEV' || code === 'EPERM';
      if (soft && this.#options.noCopyFallback !== true) return false;
      throw errnoError(error, `Hardlinking ${looseName(checksum, 'file', holder.mode)} to ${name}`);
    }
    this.#remember(source, checksum);
    return true;
  }

  #remember(source: string, checksum: string): void {
    const { devino } = this.#options;
    if (devino === undefined) return;
    const stat = this.#fs.lstat(source);
    if (stat !== undefined) devino.set(devInoKey(stat.dev, stat.ino), checksum);
  }

  #linkOver(error: unknown, source: string, dest: string, name: string, checksum: string, holder: Repo): boolean {
    const fs = this.#fs;
    const { overwrite = 'none' } = this.#options;
    if (overwrite === 'add') return true;
    const failure = (): CoppiceError =>
      errnoError(error, `Hardlinking ${looseName(checksum, 'file', holder.mode)} to ${name}`);
    if (overwrite === 'none') throw failure();
    const there = fs.lstat(dest);
    const here = fs.lstat(source);
    const same = there !== undefined && here !== undefined && there.ino === here.ino && there.dev === here.dev;
    if (same || this.#identical(checksum, dest, this.#repo.mode !== 'bare-user-only')) return true;
    if (overwrite === 'identical') throw failure();
    const temporary = this.#temporary(dest, 'checkout-union-');
    fs.link(source, temporary);
    this.#moveOver(temporary, dest);
    this.#remember(source, checksum);
    return true;
  }

  #temporary(dest: string, lead: string): string {
    return `${dest.slice(0, dest.lastIndexOf('/'))}/${lead}${randomName()}`;
  }

  #moveOver(temporary: string, dest: string): void {
    // Layers of a container image replace whole directories.
    if (this.#options.whiteouts === true && this.#options.overwrite === 'union') {
      const there = this.#fs.lstat(dest);
      if (there !== undefined && isDirectory(there.mode)) removeTree(dest, this.#fs);
    }
    try {
      this.#fs.rename(temporary, dest);
    } catch (error) {
      this.#fs.unlink(temporary);
      throw errnoError(error, `renameat(${shownName(temporary)}, ${baseName(dest)})`);
    }
  }

  /** Whether what lies at `dest` is the object; unless `exact`, as far as this kind of checkout can tell. */
  #identical(checksum: string, dest: string, exact = !this.#user && this.#repo.mode !== 'bare-user-only'): boolean {
    const fs = this.#fs;
    const stat = fs.lstat(dest);
    const file = this.#repo.loadFile(checksum);
    const { header } = file;
    if (stat === undefined || (stat.mode & 0o170000) !== (header.mode & 0o170000)) return false;
    const link = isSymlink(stat.mode);
    const mode = exact ? header.mode & 0o7777 : this.#modeOf(header);
    if (!link && (stat.size !== file.size || (stat.mode & 0o7777) !== mode)) return false;
    if (exact && (stat.uid !== header.uid || stat.gid !== header.gid)) return false;
    if (exact && !this.#repo.settings.disableXattrs && !sameXattrs(readXattrs(fs, dest), header.xattrs)) return false;
    if (link) return fs.readlink(dest) === header.symlinkTarget;
    const mine = this.#reader.pieces(fs, dest);
    for (const piece of file.read()) if (!mine.matches(piece)) return mine.close(false);
    return mine.close(true);
  }

  #modeOf(header: FileHeader): number {
    // What the user checks out for himself he can read.
    return this.#user ? (header.mode & 0o1777) | 0o400 : header.mode & 0o7777;
  }

  #copy(file: LoadedFile, checksum: string, directory: string, name: string, inDest: string): void {
    const dest = `${directory}/${name}`;
    const { overwrite = 'none' } = this.#options;
    if (isSymlink(file.header.mode)) {
      this.#copyLink(file.header, checksum, dest, name, inDest);
      return;
    }
    const there = overwrite === 'none' ? undefined : this.#fs.lstat(dest);
    if (there !== undefined && overwrite === 'add') return;
    if (there !== undefined && overwrite === 'identical') {
      if (this.#identical(checksum, dest)) return;
      throw errnoError({ code: 'EEXIST' }, `Copy checkout of ${checksum}.file to ${name}`);
    }
    // Written in place only where the name is free and a failure removes it again.
    const target = there === undefined ? dest : this.#temporary(dest, 'tmp.');
    try {
      this.#writeFile(file, target, inDest);
      if (target !== dest) this.#moveOver(target, dest);
    } catch (error) {
      throw prefixError(error, `Copy checkout of ${checksum} to ${name}`);
    }
  }

  #writeFile(file: ReturnType<Repo['loadFile']>, path: string, inDest: string): void {
    const fs = this.#fs;
    let fd: number;
    try {
      fd = fs.open(path, createFlags, 0o600);
    } catch (error) {
      throw errnoError(error, `openat(${path.slice(path.lastIndexOf('/') + 1)})`);
    }
    try {
      this.#reader.copy(file, (bytes) => fs.write(fd, bytes, 0, bytes.length, null));
      if (!this.#user) {
        try {
          fs.fchown(fd, file.header.uid, file.header.gid);
        } catch (error) {
          throw errnoError(error, 'fchown');
        }
        for (const { name, value } of this.#xattrs(file.header, inDest)) fs.fsetxattr(fd, name, value);
      }
      fs.fchmod(fd, this.#modeOf(file.header));
      if (this.#options.fsync === true) fs.fdatasync(fd);
    } catch (error) {
      fs.close(fd);
      fs.unlink(path);
      throw isCoppiceError(error) ? error : errnoError(error, 'Error writing to file descriptor');
    }
    fs.close(fd);
  }

  #xattrs(header: FileHeader, inDest: string): FileHeader['xattrs'] {
    const { label } = this.#options;
    if (label !== undefined) return withLabel({ label }, header.xattrs, inDest, header.mode);
    return header.xattrs;
  }

  #copyLink(header: FileHeader, checksum: string, dest: string, name: string, inDest: string): void {
    const fs = this.#fs;
    const { overwrite = 'none' } = this.#options;
    let path = dest;
    try {
      fs.symlink(header.symlinkTarget, dest);
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST' || overwrite === 'none') throw errnoError(error, 'symlinkat');
      if (overwrite === 'add') return;
      if (overwrite === 'identical') {
        if (this.#identical(checksum, dest)) return;
        throw errnoError(error, `Copy checkout of ${checksum}.file to ${name}`);
      }
      path = this.#temporary(dest, 'tmp.');
      fs.symlink(header.symlinkTarget, path);
    }
    if (!this.#user) {
      fs.lchown(path, header.uid, header.gid);
      for (const { name, value } of this.#xattrs(header, inDest)) fs.setxattr(path, name, value);
    }
    if (path === dest) return;
    try {
      this.#moveOver(path, dest);
    } catch (error) {
      if (!isCoppiceError(error) || error.data['errno'] !== 'EISDIR') throw error;
      throw errnoError({ code: 'EISDIR' }, `Copy checkout of ${checksum} to ${name}: unlinkat(${name})`);
    }
  }

  /** A whiteout that overlayfs understands: character device 0:0 with the object's owner, mode and attributes. */
  #whiteoutDevice(checksum: string, directory: string, name: string): void {
    const fs = this.#fs;
    const { overwrite = 'none' } = this.#options;
    if (name === '' || name === '.' || name === '..') {
      throw new CoppiceError('Invalid', `Invalid empty overlayfs whiteout '${passthroughPrefix}'`);
    }
    const { header } = this.#repo.loadFile(checksum);
    const path = `${directory}/${name}`;
    try {
      fs.mknod(path, 0o020000 | (header.mode & 0o7777 & ~0o6000), 0);
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST' || overwrite === 'none')
        throw errnoError(error, 'Creating whiteout char device');
      if (overwrite === 'add') return;
      const there = fs.lstat(path)!;
      const same = (there.mode & 0o170000) === 0o020000 && there.rdev === 0;
      if (overwrite === 'identical' && !same) throw errnoError(error, 'Creating whiteout char device');
      if (!same) {
        const temporary = this.#temporary(path, 'tmp.');
        fs.mknod(temporary, 0o020000 | (header.mode & 0o1777), 0);
        this.#moveOver(temporary, path);
      }
    }
    if (this.#user) return;
    fs.lchown(path, header.uid, header.gid);
    fs.chmod(path, header.mode & 0o7777);
    for (const { name: attribute, value } of header.xattrs) fs.setxattr(path, attribute, value);
  }
}

function sameXattrs(have: readonly Xattr[], want: readonly Xattr[]): boolean {
  return (
    have.length === want.length &&
    have.every((x, i) => x.name === want[i]!.name && Buffer.compare(x.value, want[i]!.value) === 0)
  );
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function shownName(temporary: string): string {
  const name = baseName(temporary);
  return name.startsWith('tmp.') ? `./${name}` : name;
}
