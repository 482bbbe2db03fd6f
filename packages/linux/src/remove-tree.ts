import { rmSync } from 'node:fs';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from './host-fs.ts';

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const IMMUTABLE = 0x10;

/**
 * Removes whatever is at `path`, links not followed; nothing there is fine. Directories without write permission for the
 * owner are opened up first; the immutable flag is cleared where it is set (deployment roots carry it).
 */
export function removeTree(path: string, fs: FileSystem = hostFs): void {
  const stat = fs.lstat(path);
  if (stat === undefined) return;
  if ((stat.mode & S_IFMT) !== S_IFDIR) {
    fs.unlink(path);
    return;
  }
  if (fs === hostFs) {
    try {
      // Natively: by descriptors, and without a look at every file.
      rmSync(path, { recursive: true, force: true });
      return;
    } catch {
      // What could not go is opened up, or named, below.
    }
  }
  const tryAgain = (body: () => void): void => {
    try {
      body();
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code !== 'EPERM' && code !== 'EACCES') throw error;
      // Permission first: without it the flags cannot even be read.
      if ((stat.mode & 0o700) !== 0o700) fs.chmod(path, (stat.mode & 0o7777) | 0o700);
      const flags = fs.getFlags(path);
      if (flags !== undefined && (flags & IMMUTABLE) !== 0) fs.setFlags(path, flags & ~IMMUTABLE);
      body();
    }
  };
  const children = (): void => {
    for (const raw of fs.readdirRaw(path)) {
      const name = raw.toString('utf8');
      // A name that is not UTF-8 does not survive the round trip as a string; Node takes bytes for such paths only directly.
      if (Buffer.from(name).equals(raw)) removeTree(`${path}/${name}`, fs);
      else removeRaw(Buffer.concat([Buffer.from(`${path}/`), raw]));
    }
  };
  tryAgain(children);
  try {
    fs.rmdir(path);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EPERM') throw error;
    tryAgain(() => fs.rmdir(path));
  }
}

function removeRaw(path: Buffer): void {
  rmSync(path as unknown as string, { recursive: true, force: true });
}
