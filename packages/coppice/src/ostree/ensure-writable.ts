import { accessSync, constants } from 'node:fs';
import { errnoError } from '@coppice/base';
import type { Repo } from '@coppice/ostree';

/** Throws, before anything is done, unless objects may be written. */
export function ensureWritable(repo: Repo): void {
  try {
    accessSync(`${repo.path}/objects`, constants.W_OK);
  } catch (error) {
    throw errnoError(error, 'Cannot write to repository');
  }
}
