import { CoppiceError } from '@coppice/base';

/** Decides which directories and files a pull limited to subpaths needs. */
export class Subpaths {
  readonly #paths: readonly string[];

  /** Throws `Usage` for a path that is not absolute. */
  constructor(paths: readonly string[]) {
    this.#paths = paths.map((path) => {
      if (!path.startsWith('/'))
        throw new CoppiceError('Usage', `Specified subpath '${path}' doesn't start with a slash`);
      return path.length > 1 ? path.replace(/\/+$/, '') : path;
    });
  }

  get limited(): boolean {
    return this.#paths.length > 0;
  }

  /** True when the directory (`/` or `/a/b`) lies above, at or below a wanted path. */
  wantsDir(path: string): boolean {
    if (!this.limited || path === '/') return true;
    return this.#paths.some((p) => p === '/' || p === path || p.startsWith(`${path}/`) || path.startsWith(`${p}/`));
  }

  /** True when a file of this path is at or below a wanted path, or beside a directory on the way to one. */
  wantsFile(path: string): boolean {
    if (!this.limited) return true;
    return this.#paths.some((p) => p === '/' || p === path || path.startsWith(`${p}/`));
  }
}
