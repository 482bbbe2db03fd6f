import { looseName } from './codec/object-type.ts';
import { type DevInoCache, devInoKey } from './modifier.ts';
import type { Repo } from './repo.ts';

/**
 * Device and inode of every content object, so that a commit of a tree of hard links need not read them. Empty for an archive
 * repository: the original passes over its uncompressed copies, too.
 */
export function scanDevIno(repo: Repo): DevInoCache {
  const out: DevInoCache = new Map();
  if (repo.mode === 'archive') return out;
  for (const { checksum, type } of repo.objects()) {
    if (type !== 'file') continue;
    const stat = repo.fs.lstat(`${repo.path}/objects/${looseName(checksum, 'file', repo.mode)}`);
    if (stat !== undefined) out.set(devInoKey(stat.dev, stat.ino), checksum);
  }
  return out;
}
