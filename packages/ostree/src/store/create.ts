import { constants } from 'node:fs';
import { errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { KeyFile } from '@coppice/keyfile';
import type { RepoMode } from '../codec/object-type.ts';
import { ostreeMetaAttribute } from './load-file.ts';
import { checkCollectionId } from './ref-name.ts';
import { writeBeside } from './refs.ts';
import { modeText } from './settings.ts';

const directories = ['tmp', 'extensions', 'state', 'refs', 'refs/heads', 'refs/mirrors', 'refs/remotes', 'objects'];

/** Lays out an empty repository at `path`, `objects` last, so that a half-made one is not taken for whole. */
export function createRepo(fs: FileSystem, path: string, mode: RepoMode, collectionId: string | undefined): void {
  if (collectionId !== undefined) checkCollectionId(collectionId);
  mkdirIfMissing(fs, path, 0o775);
  if (fs.stat(path) === undefined) throw errnoError({ code: 'ENOENT' }, `opendir(${path})`);
  if (fs.stat(`${path}/objects`) !== undefined) return;
  if (mode === 'bare-user') probeAttributes(fs, path);
  if (fs.lstat(`${path}/config`) === undefined) {
    const config = new KeyFile();
    config.setString('core', 'repo_version', '1');
    config.setString('core', 'mode', modeText(mode));
    if (collectionId !== undefined) config.setString('core', 'collection-id', collectionId);
    writeBeside(fs, `${path}/config`, Buffer.from(config.toString()), true);
  }
  for (const name of directories) mkdirIfMissing(fs, `${path}/${name}`, 0o775);
}

function mkdirIfMissing(fs: FileSystem, path: string, mode: number): void {
  try {
    fs.mkdir(path, mode);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw errnoError(error, 'mkdirat');
  }
}

/** A bare-user repository keeps ownership in an extended attribute; find out now whether the file system has them. */
function probeAttributes(fs: FileSystem, path: string): void {
  const probe = `${path}/.probe-${process.pid}`;
  const fd = fs.open(probe, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    fs.fsetxattr(fd, ostreeMetaAttribute, Buffer.alloc(12));
  } catch (error) {
    throw errnoError(error, 'fsetxattr');
  } finally {
    fs.close(fd);
    fs.unlink(probe);
  }
}
