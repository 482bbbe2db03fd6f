// A file system that writes down every change, and a replay of what a machine that lost power may have kept of them.

import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';

export interface Change {
  readonly call: string;
  /** Paths below the recorded root, without it. */
  readonly paths: readonly string[];
  readonly args: readonly unknown[];
  /** Number of the open file a call works on, or that an `open` made. */
  readonly file?: number;
}

const plain = new Set([
  'mkdir',
  'rmdir',
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
  'removexattr',
  'syncfs',
  'syncDir',
]);
const onFile = new Set(['ftruncate', 'fchmod', 'fchown', 'futimes', 'fsync', 'fdatasync', 'fsetxattr', 'close']);
const twoPaths = new Set(['link', 'rename', 'renameNoReplace', 'renameExchange']);

export const barriers: ReadonlySet<string> = new Set(['syncfs', 'syncDir', 'fsync', 'fdatasync']);

/** A view of the host file system that appends to `changes`; all changed paths must be below `root`. */
export function recordingFs(root: string, changes: Change[]): FileSystem {
  const inner = (path: unknown): string => {
    const text = String(path);
    if (text !== root && !text.startsWith(`${root}/`)) throw new Error(`change outside of ${root}: ${text}`);
    return text.slice(root.length);
  };
  let files = 0;
  const open = new Map<number, number>();
  const table = hostFs as unknown as Record<string, (...args: unknown[]) => unknown>;
  return new Proxy(hostFs, {
    get(target, name: string) {
      const method = table[name];
      if (typeof method !== 'function') return method;
      return (...args: unknown[]): unknown => {
        const call = method.bind(target);
        if (name === 'open') {
          const flags = args[1] as number;
          const fd = call(...args) as number;
          // O_WRONLY or O_RDWR or O_CREAT.
          if ((flags & 0o103) !== 0) {
            open.set(fd, ++files);
            changes.push({ call: 'open', paths: [inner(args[0])], args: args.slice(1), file: files });
          } else open.delete(fd);
          return fd;
        }
        if (name === 'write') {
          const [fd, buffer, offset, length, position] = args as [number, Uint8Array, number, number, number | null];
          const file = open.get(fd)!;
          changes.push({
            call: 'write',
            paths: [],
            args: [Buffer.from(buffer.slice(offset, offset + length)), position],
            file,
          });
        } else if (onFile.has(name) && open.has(args[0] as number))
          changes.push({ call: name, paths: [], args: args.slice(1), file: open.get(args[0] as number)! });
        else if (name === 'reflink') return false;
        else if (name === 'symlink') changes.push({ call: name, paths: [inner(args[1])], args: [args[0]] });
        else if (twoPaths.has(name)) changes.push({ call: name, paths: [inner(args[0]), inner(args[1])], args: [] });
        else if (plain.has(name)) changes.push({ call: name, paths: [inner(args[0])], args: args.slice(1) });
        return call(...args);
      };
    },
  });
}

/** Applies changes below another root; what cannot be applied, because what it builds on was lost, is left out. */
export class Replay {
  readonly #root: string;
  readonly #open = new Map<number, number>();

  constructor(root: string) {
    this.#root = root;
  }

  apply(change: Change): void {
    const paths = change.paths.map((path) => this.#root + path);
    try {
      if (change.call === 'open') {
        const [flags, mode] = change.args as [number, number | undefined];
        this.#open.set(change.file!, hostFs.open(paths[0]!, flags, mode));
      } else if (change.file !== undefined) {
        const fd = this.#open.get(change.file);
        if (fd === undefined) return;
        if (change.call === 'write') {
          const [data, position] = change.args as [Buffer, number | null];
          hostFs.write(fd, data, 0, data.length, position);
        } else if (change.call === 'close') {
          this.#open.delete(change.file);
          hostFs.close(fd);
        } else if (!barriers.has(change.call)) this.#method(change.call)(fd, ...change.args);
      } else if (barriers.has(change.call)) return;
      else if (change.call === 'symlink') hostFs.symlink(change.args[0] as string, paths[0]!);
      else this.#method(change.call)(...paths, ...change.args);
    } catch (error) {
      if ((error as { code?: string }).code === undefined) throw error;
    }
  }

  #method(name: string): (...args: unknown[]) => unknown {
    return (hostFs as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!.bind(hostFs);
  }

  /** Closes what is still open. */
  end(): void {
    for (const fd of this.#open.values()) hostFs.close(fd);
    this.#open.clear();
  }
}

/** A copy of the sysroot as it was before anything changed. */
export function restore(from: string, to: string): void {
  const { status } = spawnSync('cp', ['-a', from, to]);
  if (status !== 0) throw new Error(`cp -a ${from} ${to} failed`);
}

/**
 * For the first `count` changes: which of them are certain to be on disk, because a barrier that covers them follows within
 * those. A sync of a directory covers the entries in it, a sync of a file its content, a sync of the file system all.
 */
export function durable(changes: readonly Change[], count: number): boolean[] {
  const sure = new Array<boolean>(count).fill(false);
  for (let at = 0; at < count; at++) {
    const barrier = changes[at]!;
    if (!barriers.has(barrier.call)) continue;
    for (let i = 0; i < at; i++) {
      const change = changes[i]!;
      if (barrier.call === 'syncfs') sure[i] = true;
      else if (barrier.call === 'syncDir') {
        if (change.paths.length > 0 && change.paths.every((path) => dirname(path) === barrier.paths[0])) sure[i] = true;
      } else if (change.file === barrier.file && change.call !== 'open') sure[i] = true;
    }
  }
  return sure;
}

/** Replays the first `count` changes below `root`; those that no barrier covers only where `keep` says so. */
export function replayLossy(root: string, changes: readonly Change[], count: number, keep: () => boolean): void {
  const sure = durable(changes, count);
  const replay = new Replay(root);
  for (let i = 0; i < count; i++) if (sure[i] || keep()) replay.apply(changes[i]!);
  replay.end();
}
