import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import { hostFs, readFile } from '@coppice/linux';
import { type RpmPackage, resignedHead } from '@coppice/rpm';
import type { SubVerbModule } from '../sub-verbs.ts';
import { packageNames, readNamedPackage, underName } from './package-argument.ts';

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

/** With a signature by the key, or without any. */
function headOf(pkg: RpmPackage, secretKey: Uint8Array | undefined, keyFile: string | undefined): Uint8Array {
  if (secretKey === undefined) return resignedHead(pkg, {});
  try {
    return resignedHead(pkg, { secretKey });
  } catch (error) {
    throw prefixError(error, keyFile ?? 'key');
  }
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
  for (const name of packageNames(context, names as readonly string[])) {
    const path = resolve(context.cwd, name);
    const pkg = readNamedPackage(context, name);
    underName(context, name, () => {
      rewrite(path, pkg, headOf(pkg, secretKey, keyFile));
    });
    context.stdout.write(`${name}:\n`);
  }
  return 0;
};
