import { hostFs, removeTree } from '@coppice/linux';
import { type HelperThread, removeBeside } from '@coppice/ostree';
import type { Deployment } from './deployment.ts';
import { setMutable } from './mutable.ts';
import type { Sysroot } from './sysroot.ts';

/**
 * Deletes a deployment's tree, origin and backing directory. The tree that runs as `/` is never deleted. With a helper thread
 * that runs already, the tree goes meanwhile, and the result waits until it is gone.
 */
export function removeDeployment(sysroot: Sysroot, deployment: Deployment, helper?: HelperThread): () => void {
  const { fs } = sysroot;
  const path = sysroot.deploymentPath(deployment);
  const stat = fs.stat(path);
  if (stat !== undefined) {
    const root = sysroot.host.root();
    if (stat.dev === root.dev && stat.ino === root.ino) return () => {};
    setMutable(fs, path, true);
  }
  removeTree(`${sysroot.path}/${deployment.backingPath}`, fs);
  removeTree(`${sysroot.path}/${deployment.originPath}`, fs);
  if (helper?.started === true && fs === hostFs) return removeBeside(helper, [path]);
  removeTree(path, fs);
  return () => {};
}
