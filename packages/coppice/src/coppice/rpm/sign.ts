import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { hostFs, readFile } from '@coppice/linux';
import { type RpmPackage, readPackage, resignedHead } from '@coppice/rpm';
import type { SubVerbModule } from '../sub-verbs.ts';

/** Replaces the package by one with another head: written beside it, synced, renamed. */
function rewrite(path: string, pkg: RpmPackage, head: Uint8Array): void {
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  const fd = hostFs.open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644);
  try {
    try {
      hostFs.write(fd, head, 0, head.length, null);
      for (const piece of pkg.source.stream(pkg.headerRange.end)) hostFs.write(fd, piece, 0, piece.length, null);
      hostFs.fchmod(fd, (hostFs.stat(path)?.mode ?? 0o644) & 0o7777);
      hostFs.fsync(fd);
    } finally {
      hostFs.close(fd);
    }
    hostFs.rename(temporary, path);
  } catch (error) {
    if (hostFs.lstat(temporary) !== undefined) hostFs.unlink(temporary);
    throw errnoError(error, path);
  }
  hostFs.syncDir(dirname(path));
}

export const run: SubVerbModule['run'] = (context, [names], flags) => {
  const remove = flags['delete'] === true;
  const keyFile = flags['key'] as string | undefined;
  if (remove === (keyFile !== undefined)) throw new CoppiceError('Usage', 'give either --key or --delete');
  let secretKey: Uint8Array | undefined;
  if (keyFile !== undefined) {
    try {
      secretKey = readFile(resolve(context.cwd, keyFile), { limit: 1024 * 1024 });
    } catch (error) {
      throw errnoError(error, keyFile);
    }
  }
  for (const name of names as readonly string[]) {
    const path = resolve(context.cwd, name);
    const pkg = readPackage(path);
    rewrite(path, pkg, resignedHead(pkg, secretKey === undefined ? {} : { secretKey }));
    context.stdout.write(`${name}:\n`);
  }
  return 0;
};
