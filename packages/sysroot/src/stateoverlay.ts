// State overlays: directories of /usr, such as /usr/local or /opt, that can be written to. Changes are kept in /var; what the
// next deployment brings itself takes their place.

import { CoppiceError, checkPathComponent, errnoError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { removeTree } from '@coppice/linux';
import { makeDirectories } from './links.ts';
import type { Sysroot } from './sysroot.ts';

/** On the directory of changes: the commit that it was last pruned for. */
const checksumAttribute = 'user.ostree.deploymentcsum';
const opaqueAttribute = 'trusted.overlay.opaque';

function isDirectory(fs: FileSystem, path: string): boolean {
  return ((fs.lstat(path)?.mode ?? 0) & 0o170000) === 0o040000;
}

/** Removes from `upper` what the deployment has too; directories of both are gone through unless they hide the lower one. */
export function pruneStateOverlay(fs: FileSystem, lower: string, upper: string): void {
  for (const name of fs.readdir(upper)) {
    const [own, given] = [`${upper}/${name}`, `${lower}/${name}`];
    if (fs.lstat(given) === undefined) continue;
    if (isDirectory(fs, own) && isDirectory(fs, given) && fs.getxattr(own, opaqueAttribute)?.toString() !== 'y')
      try {
        pruneStateOverlay(fs, given, own);
      } catch (error) {
        throw prefixError(error, `in ${name}`);
      }
    else removeTree(own, fs);
  }
}

/**
 * Mounts the overlay `name` over `mountPath`, an absolute path. Throws `NotFound` when this is no booted system, `Process`
 * when mount(8) fails.
 */
export function mountStateOverlay(sysroot: Sysroot, name: string, mountPath: string): void {
  const { booted, fs, host } = sysroot;
  if (booted === undefined) throw new CoppiceError('NotFound', 'Must be booted into an OSTree deployment');
  checkPathComponent(name, 'state overlay');
  if (/[,:\\\0]/.test(mountPath)) throw new CoppiceError('Usage', `Not a path that can be mounted over: ${mountPath}`);
  const base = `${host.varPath}/ostree/state-overlays/${name}`;
  const [upper, work] = [`${base}/upper`, `${base}/work`];
  for (const path of [base, work, upper]) makeDirectories(fs, path, 0o700);
  if (fs.getxattr(upper, checksumAttribute)?.toString() !== booted.checksum) {
    try {
      if (!isDirectory(fs, mountPath)) throw errnoError({ code: 'ENOENT' }, `opendir(${mountPath})`);
      pruneStateOverlay(fs, mountPath, upper);
    } catch (error) {
      throw prefixError(error, `Pruning upperdir for ${name}`);
    }
    fs.setxattr(upper, checksumAttribute, Buffer.from(booted.checksum));
  }
  const options = `lowerdir=${mountPath},upperdir=${upper},workdir=${work}`;
  try {
    sysroot.run(['mount', '-t', 'overlay', '-o', options, 'overlay', mountPath], {});
  } catch (error) {
    throw prefixError(error, `mount(${mountPath})`);
  }
}
