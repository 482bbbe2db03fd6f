// After a merge that brought local SELinux modules into the new /etc, its policy is rebuilt inside the deployment.

import { CoppiceError, prefixError } from '@coppice/base';
import { inDeploymentRoot } from './deploymentroot.ts';
import type { Sysroot } from './sysroot.ts';

/** Does nothing when the tree has no SELinux configuration or its semodule lacks the flag. Throws `Process`. */
export function refreshPolicy(sysroot: Sysroot, tree: string): void {
  if (sysroot.fs.lstat(`${tree}/etc/selinux/config`) === undefined) return;
  const flag = sysroot.compat.semoduleRefresh;
  const inDeployment = (...argv: string[]): void => sysroot.run(inDeploymentRoot(argv), { cwd: tree });
  try {
    if (sysroot.fs.stat(`${tree}/usr/sbin/semodule`) === undefined)
      throw new CoppiceError('Process', 'failed to run semodule: Child process exited with code 1');
    try {
      inDeployment('sh', '-c', `semodule --help | grep -q -e ${flag}`);
    } catch {
      return;
    }
    inDeployment('semodule', '-N', flag);
  } catch (error) {
    throw prefixError(error, 'Finalizing SELinux policy');
  }
}
