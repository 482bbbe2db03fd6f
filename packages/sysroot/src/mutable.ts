import type { FileSystem } from '@coppice/base/fs';

const immutableFlag = 0x10;

/** Sets or clears the immutable flag of a deployment root. Where that is not allowed or not known, nothing happens. */
export function setMutable(fs: FileSystem, path: string, mutable: boolean): void {
  try {
    const flags = fs.getFlags(path);
    if (flags === undefined || ((flags & immutableFlag) === 0) === mutable) return;
    fs.setFlags(path, mutable ? flags & ~immutableFlag : flags | immutableFlag);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code !== 'EPERM' && code !== 'ENOTTY' && code !== 'EOPNOTSUPP' && code !== 'ENOTSUP' && code !== 'EACCES')
      throw error;
  }
}
