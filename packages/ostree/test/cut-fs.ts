// A file system that stops for good at a chosen change, as a killed process does, or runs out of space there.
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';

const changes = new Set<string>([
  'write',
  'ftruncate',
  'fchmod',
  'fchown',
  'futimes',
  'fsync',
  'fdatasync',
  'syncfs',
  'syncDir',
  'mkdir',
  'rmdir',
  'symlink',
  'link',
  'rename',
  'renameNoReplace',
  'renameExchange',
  'unlink',
  'chmod',
  'lchown',
  'lutimes',
  'mknod',
  'setxattr',
  'fsetxattr',
  'removexattr',
]);

const barriers = new Set(['fsync', 'fdatasync', 'syncfs', 'syncDir']);

/** The host's file system without the time that barriers take. */
export const quietFs: () => FileSystem = () => cutFs(Number.POSITIVE_INFINITY, 'full').fs;

export class Cut extends Error {}

export interface CutFs {
  readonly fs: FileSystem;
  /** Changes seen so far. */
  count(): number;
  /** Closes what was left open, as the end of a process does (locks go with it). */
  die(): void;
}

/**
 * `after` changes go through. With `killed` the next one, and everything after it, throws; a write is cut in half first.
 * With `full` every further write throws ENOSPC and all else goes on.
 */
export function cutFs(after: number, kind: 'killed' | 'full'): CutFs {
  let seen = 0;
  let dead = false;
  const open = new Set<number>();
  const table = hostFs as unknown as Record<string, (...args: never[]) => unknown>;
  const fs = new Proxy(hostFs, {
    get(target, name: string) {
      const method = table[name];
      if (typeof method !== 'function') return method;
      return (...args: unknown[]): unknown => {
        if (dead) throw new Cut('dead');
        const created = name === 'open' && ((args[1] as number) & 0o100) !== 0;
        if (changes.has(name) || created) seen++;
        if (seen > after && kind === 'killed' && (changes.has(name) || created)) {
          if (name === 'write') {
            const [fd, buffer, offset, length, position] = args as [number, Uint8Array, number, number, number | null];
            hostFs.write(fd, buffer, offset, length >> 1, position);
          }
          dead = true;
          throw new Cut('killed');
        }
        if (seen > after && kind === 'full' && (name === 'write' || name === 'mkdir' || created)) {
          throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
        }
        // Real barriers would only cost time: the machine stays up.
        if (barriers.has(name)) return undefined;
        const result = method.apply(target, args as never[]);
        if (name === 'open') open.add(result as number);
        if (name === 'close') open.delete(args[0] as number);
        return result;
      };
    },
  });
  return {
    fs,
    count: () => seen,
    die() {
      dead = true;
      for (const fd of open) hostFs.close(fd);
    },
  };
}
