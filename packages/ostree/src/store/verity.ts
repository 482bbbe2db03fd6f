import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { isRegular } from '../codec/mode-bits.ts';
import type { Tristate } from './tristate.ts';

const missing = 'fsverity required but filesystem does not support it';

/**
 * Seals files of a repository with fs-verity, as its config asks for (`ex-integrity.fsverity`; ostree-repo-verity.c). Where
 * it may be left out, the first file that cannot be sealed ends the trying.
 */
export class VeritySealer {
  readonly wanted: Tristate;
  readonly #fs: FileSystem;
  #supported: boolean | undefined;

  constructor(fs: FileSystem, wanted: Tristate) {
    this.#fs = fs;
    this.wanted = wanted;
  }

  /**
   * Seals a complete file that has no writer any more; links are left alone. Throws `Unsupported` when that is required and
   * the file system cannot.
   */
  seal(path: string): void {
    if (this.wanted === 'no' || (this.wanted === 'maybe' && this.#supported === false)) return;
    if (this.#supported === false) throw new CoppiceError('Unsupported', missing);
    const stat = this.#fs.lstat(path);
    if (stat === undefined || !isRegular(stat.mode)) return;
    try {
      this.#supported = this.#fs.enableVerity(path);
    } catch (error) {
      throw errnoError(error, 'fsverity: ioctl(FS_IOC_ENABLE_VERITY)');
    }
    if (!this.#supported && this.wanted === 'yes') throw new CoppiceError('Unsupported', missing);
  }

  /**
   * Seals a file unless it is sealed already, whatever was found out before; false when the file system cannot. Links and,
   * with `optional`, missing files count as sealed.
   */
  ensure(path: string, shown: string, optional = false): boolean {
    const stat = this.#fs.lstat(path);
    if (stat === undefined) {
      if (optional) return true;
      throw errnoError({ code: 'ENOENT' }, `fstatat(${shown})`);
    }
    if (!isRegular(stat.mode)) return true;
    let supported: boolean;
    try {
      supported = this.#fs.enableVerity(path);
    } catch (error) {
      if ((error as { code?: string }).code === 'EEXIST') return true;
      throw errnoError(error, 'ioctl(FS_IOC_ENABLE_VERITY)');
    }
    if (!supported && this.wanted === 'yes') throw new CoppiceError('Unsupported', missing);
    return supported;
  }
}
