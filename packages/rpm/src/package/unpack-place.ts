// Where the directories of a package are below a root that may already hold links, as rpm's fsm.c decides it.
import { join } from 'node:path';
import { CoppiceError, isCoppiceError } from '@coppice/base';
import type { FileStat, FileSystem } from '@coppice/base/fs';

const typeMask = 0o170000;
const directory = 0o040000;
const symlink = 0o120000;
const linkLimit = 40;

/**
 * Directories below a root. Links that were there before are followed inside the root, as in a chroot, when the system's
 * owner made them (merged /usr: `/lib -> usr/lib`); links that the package itself brings are not.
 */
export class UnpackPlace {
  readonly #fs: FileSystem;
  readonly #root: string;
  readonly #what: string;
  readonly #user: number;
  /** Real paths of links that were made here. */
  readonly #made = new Set<string>();
  readonly #known = new Map<string, string>();

  /** `what` names the package in errors; `user` is who unpacks. */
  constructor(fs: FileSystem, root: string, what: string, user = process.geteuid?.() ?? 0) {
    this.#fs = fs;
    this.#root = root;
    this.#what = what;
    this.#user = user;
  }

  noteLink(path: string): void {
    this.#made.add(path);
  }

  /** The real path of the directory that holds `path` (absolute, below the root); directories that are missing are made. */
  parentOf(path: string): string {
    const parent = path.slice(0, path.lastIndexOf('/'));
    let real = this.#known.get(parent);
    if (real === undefined) {
      real = this.#walk(parent, true);
      this.#known.set(parent, real);
    }
    return real;
  }

  /** The real path of the directory `path` of the package, made when it is not there. */
  directory(path: string): string {
    const at = join(this.parentOf(path), path.slice(path.lastIndexOf('/') + 1));
    const present = this.#fs.lstat(at);
    if (present === undefined) this.#fs.mkdir(at, 0o755);
    else if ((present.mode & typeMask) === symlink && !this.#made.has(at)) {
      const target = this.#directoryBehind(path, present);
      if (target !== undefined) return target;
      // rpm puts a directory where a link leads nowhere or was made by somebody else.
      this.#fs.unlink(at);
      this.#fs.mkdir(at, 0o755);
    } else if ((present.mode & typeMask) !== directory)
      throw new CoppiceError('Exists', `${at} exists and is not a directory`);
    return at;
  }

  #directoryBehind(path: string, link: FileStat): string | undefined {
    let real: string;
    try {
      real = this.#walk(path, false, true);
    } catch (error) {
      if (isCoppiceError(error) && error.code === 'Corrupt') return undefined;
      throw error;
    }
    const target = this.#fs.lstat(real);
    return this.#isOwn(link) || link.uid === target?.uid ? real : undefined;
  }

  #isOwn(stat: FileStat): boolean {
    return stat.uid === 0 || stat.uid === this.#user;
  }

  /** `lastMayBeForeign`: whoever made the last link decides later. */
  #walk(path: string, make: boolean, lastMayBeForeign = false): string {
    const parts = path.split('/').filter((part) => part !== '');
    const last = parts.length;
    let left = linkLimit;
    let followed = 0;
    const stack: string[] = [];
    const at = (): string => join(this.#root, ...stack);
    for (let taken = 0; parts.length > 0; ) {
      const part = parts.shift()!;
      const isOriginal = followed === 0;
      if (isOriginal) taken++;
      else followed--;
      if (part === '.') continue;
      if (part === '..') {
        stack.pop();
        continue;
      }
      stack.push(part);
      const stat = this.#fs.lstat(at());
      const type = (stat?.mode ?? 0) & typeMask;
      if (stat === undefined && make && isOriginal) this.#fs.mkdir(at(), 0o755);
      else if (stat !== undefined && type === symlink) {
        const trusted = this.#isOwn(stat) || (lastMayBeForeign && isOriginal && taken === last);
        if (!trusted || this.#made.has(at())) throw this.#inTheWay(at());
        if (left-- === 0) throw new CoppiceError('Exists', `${at()}: too many levels of symbolic links`);
        const target = this.#fs.readlink(at());
        stack.pop();
        if (target.startsWith('/')) stack.length = 0;
        const more = target.split('/').filter((piece) => piece !== '');
        parts.unshift(...more);
        followed += more.length;
      } else if (type !== directory) throw this.#inTheWay(at());
    }
    return at();
  }

  #inTheWay(path: string): CoppiceError {
    return new CoppiceError('Corrupt', `${this.#what}: ${path.slice(this.#root.length)} is in the way of a file`);
  }
}
