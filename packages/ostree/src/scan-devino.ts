import { looseName } from './codec/object-type.ts';
import { type DevInoCache, devInoKey } from './modifier.ts';
import type { Repo } from './repo.ts';

/**
 * Device and inode of every content object (of an archive repository, of every uncompressed copy), so that a commit of
 * a tree of hard links need not read them.
 */
export function scanDevIno(repo: Repo): DevInoCache {
  const out: DevInoCache = new Map();
  const { fs } = repo;
  if (repo.mode !== 'archive') {
    for (const { checksum, type } of repo.objects()) {
      if (type !== 'file') continue;
      const stat = fs.lstat(`${repo.path}/objects/${looseName(checksum, 'file', repo.mode)}`);
      if (stat !== undefined) out.set(devInoKey(stat.dev, stat.ino), checksum);
    }
    return out;
  }
  const base = `${repo.path}/uncompressed-objects-cache`;
  if (fs.lstat(base) === undefined) return out;
  for (const head of fs.readdir(base)) {
    if (!/^[0-9a-f]{2}$/.test(head)) continue;
    for (const name of fs.readdir(`${base}/${head}`)) {
      const checksum = `${head}${name.replace(/\.file$/, '')}`;
      if (!/^[0-9a-f]{64}$/.test(checksum)) continue;
      const stat = fs.lstat(`${base}/${head}/${name}`);
      if (stat !== undefined) out.set(devInoKey(stat.dev, stat.ino), checksum);
    }
  }
  return out;
}
