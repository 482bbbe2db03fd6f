import { closeSync, copyFileSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoError } from '@coppice/base';
import type { PublishTarget } from './publish.ts';

/** A folder, e.g. the root of a static web server. Files appear under their name only when they are whole. */
export function directoryTarget(root: string): PublishTarget {
  const made = new Set<string>();
  return {
    async size(path) {
      return statSync(join(root, path), { throwIfNoEntry: false })?.size;
    },
    async same(path, bytes) {
      try {
        return readFileSync(join(root, path)).equals(bytes);
      } catch {
        return false;
      }
    },
    async put(path, source) {
      const target = join(root, path);
      const dir = dirname(target);
      try {
        if (!made.has(dir)) mkdirSync(dir, { recursive: true });
        made.add(dir);
        const temporary = join(dir, `.${basename(target)}.part`);
        copyFileSync(source, temporary);
        const fd = openSync(temporary, 'r');
        try {
          fsyncSync(fd);
        } finally {
          closeSync(fd);
        }
        renameSync(temporary, target);
      } catch (error) {
        throw errnoError(error, path);
      }
    },
  };
}
