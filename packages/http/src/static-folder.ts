import { closeSync, constants, fstatSync, openSync, realpathSync, type Stats } from 'node:fs';
import { join, sep } from 'node:path';

/** A file or folder below the served one, opened for reading. */
export interface OpenedFile {
  readonly fd: number;
  readonly stat: Stats;
  readonly path: string;
}

/** A validator that differs whenever the file does. */
export function entityTag(stat: Stats): string {
  return `"${stat.size.toString(16)}-${Math.round(stat.mtimeMs).toString(16)}-${stat.ino.toString(16)}"`;
}

let lastDate = { seconds: Number.NaN, text: '' };

/** Objects of a repository share their times, so the text is made once for a run of them. */
export function httpDate(stat: Stats): string {
  const seconds = Math.floor(stat.mtimeMs / 1000);
  if (lastDate.seconds !== seconds) lastDate = { seconds, text: new Date(seconds * 1000).toUTCString() };
  return lastDate.text;
}

/** How long a directory's real place is believed, in milliseconds. */
const trust = 1000;
const maxDirs = 4096;
// Not blocking: a FIFO would hold the server until someone writes.
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What stands in the way of a file that is not there, or not for us. */
const absent: readonly (string | undefined)[] = [
  'ENOENT',
  'ENOTDIR',
  'EACCES',
  'EPERM',
  'ELOOP',
  'ENAMETOOLONG',
  'ENXIO',
];

/** The path below the folder that a URL path names; undefined when it is malformed or climbs. */
export function relativePath(urlPath: string): string | undefined {
  if (/^(\/[\w+-][\w+.-]*)+$/.test(urlPath)) return urlPath.slice(1);
  let decoded: string;
  try {
    decoded = decodeURIComponent(urlPath.split('?', 1)[0]!);
  } catch {
    return undefined;
  }
  const parts = decoded.split('/').filter((part) => part !== '' && part !== '.');
  if (!decoded.startsWith('/') || parts.some((part) => part === '..' || part.includes('\0'))) return undefined;
  return parts.join('/');
}

/** Opens files below one folder. Links are followed only as long as they stay inside. */
export class StaticFolder {
  readonly #root: string;
  readonly #below: string | undefined;
  readonly #dirs = new Map<string, { readonly real: string | undefined; readonly until: number }>();

  /** `root` is a real path. What is asked for below the URL path `/BELOW/` is the same. */
  constructor(root: string, below?: string) {
    this.#root = root;
    this.#below = below === undefined ? undefined : `${below}/`;
  }

  /** The path below the folder that a URL path names; undefined when it is malformed or climbs. */
  relativePath(urlPath: string): string | undefined {
    const relative = relativePath(urlPath);
    const below = this.#below;
    return below !== undefined && relative?.startsWith(below) ? relative.slice(below.length) : relative;
  }

  /**
   * The file at a relative path, to be closed by the caller; undefined when there is none or it lies outside. Throws what Node
   * does when it cannot be said, as without free descriptors.
   */
  open(relative: string): OpenedFile | undefined {
    const slash = relative.lastIndexOf('/');
    const dir = this.#dir(slash < 0 ? '' : relative.slice(0, slash));
    if (dir === undefined) return undefined;
    const path = relative === '' ? this.#root : `${dir}${sep}${relative.slice(slash + 1)}`;
    return this.#open(path);
  }

  #open(path: string, followed = false): OpenedFile | undefined {
    let fd: number;
    try {
      fd = openSync(path, flags);
    } catch (error) {
      const { code } = error as { code?: string };
      if (!absent.includes(code)) throw error;
      if (code !== 'ELOOP' || followed) return undefined;
      const real = this.#inside(path);
      return real === undefined ? undefined : this.#open(real, true);
    }
    try {
      return { fd, stat: fstatSync(fd), path };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  #inside(path: string): string | undefined {
    try {
      const real = realpathSync.native(path);
      return real === this.#root || real.startsWith(this.#root + sep) ? real : undefined;
    } catch (error) {
      if (!absent.includes((error as { code?: string }).code)) throw error;
      return undefined;
    }
  }

  #dir(relative: string): string | undefined {
    if (relative === '') return this.#root;
    const now = performance.now();
    const known = this.#dirs.get(relative);
    if (known !== undefined && known.until > now) return known.real;
    if (this.#dirs.size >= maxDirs) this.#dirs.clear();
    const real = this.#inside(join(this.#root, relative));
    this.#dirs.set(relative, { real, until: now + trust });
    return real;
  }
}

/** The file a URL path names below `root`, which is a real path; undefined: malformed, climbing, absent, a link out of it. */
export function resolveStatic(
  root: string,
  urlPath: string,
): { path: string; relative: string; stat: Stats } | undefined {
  const relative = relativePath(urlPath);
  const opened = relative === undefined ? undefined : new StaticFolder(root).open(relative);
  if (opened === undefined) return undefined;
  closeSync(opened.fd);
  return { path: opened.path, relative: relative!, stat: opened.stat };
}
