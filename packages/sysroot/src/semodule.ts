// After a merge that brought local SELinux modules into the new /etc, its policy is rebuilt inside the deployment.

import { CoppiceError, prefixError } from '@coppice/base';
import type { Sysroot } from './sysroot.ts';

const bindArguments = [
  ...['--dev', '/dev', '--proc', '/proc', '--dir', '/run', '--dir', '/tmp', '--chdir', '/'],
  ...['--die-with-parent', '--unshare-pid', '--unshare-uts', '--unshare-ipc', '--unshare-cgroup-try'],
  ...['/sys/block', '/sys/bus', '/sys/class', '/sys/dev', '/sys/devices'].flatMap((path) => ['--ro-bind', path, path]),
  ...['--bind', 'usr', '/usr', '--bind', 'etc', '/etc', '--bind', 'var', '/var'],
  ...['lib', 'lib32', 'lib64', 'bin', 'sbin'].flatMap((name) => ['--symlink', `/usr/${name}`, `/${name}`]),
];

/** Does nothing when the tree has no SELinux configuration or its semodule lacks the flag. Throws `Process`. */
export function refreshPolicy(sysroot: Sysroot, tree: string): void {
  if (sysroot.fs.lstat(`${tree}/etc/selinux/config`) === undefined) return;
  const flag = sysroot.compat.semoduleRefresh;
  const inDeployment = (...argv: string[]): void =>
    sysroot.run(['/usr/bin/bwrap', ...bindArguments, '--', ...argv], { cwd: tree });
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
