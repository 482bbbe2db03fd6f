// SELinux labels from the policy inside a deployment.

import { errnoError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { replaceFile } from '@coppice/linux';
import { type LabelPolicy, loadPolicy } from '@coppice/selinux';
import type { Deployment } from './deployment.ts';
import type { Sysroot } from './sysroot.ts';

/** The policy of a deployment's tree (`etc/selinux`, else `usr/etc/selinux`); undefined when it has none. */
export function deploymentPolicy(sysroot: Sysroot, deployment: Deployment): LabelPolicy | undefined {
  return loadPolicy(sysroot.fs, sysroot.deploymentPath(deployment));
}

/**
 * Labels what has no label yet below `root`, which is `name` in the labelled system; tells of each label set. Files the
 * policy has no label for stay without.
 */
export function ensureLabeled(
  fs: FileSystem,
  policy: LabelPolicy,
  root: string,
  name: string,
  onLabel: (path: string, name: string, label: string) => void,
): void {
  const stat = fs.lstat(root);
  if (stat === undefined) return;
  const shown = name === '' ? '/' : name.startsWith('/') ? name : `/${name}`;
  if (fs.getxattr(root, 'security.selinux') === undefined) {
    const label = policy.label(shown, stat.mode);
    if (label !== undefined) {
      fs.setxattr(root, 'security.selinux', Buffer.from(`${label}\0`));
      onLabel(root, shown, label);
    }
  }
  if ((stat.mode & 0o170000) !== 0o040000) return;
  for (const child of fs.readdir(root))
    ensureLabeled(fs, policy, `${root}/${child}`, `${shown === '/' ? '' : shown}/${child}`, onLabel);
}

const stamp = 'var/.ostree-selabeled';

/** Sets the label of a path and all below it. Files the policy has no label for keep what they have. */
export function relabelTree(sysroot: Sysroot, policy: LabelPolicy, root: string, name: string): void {
  const { fs } = sysroot;
  const stat = fs.lstat(root);
  if (stat === undefined) return;
  const label = policy.label(name, stat.mode);
  if (label !== undefined) fs.setxattr(root, 'security.selinux', Buffer.from(`${label}\0`));
  if ((stat.mode & 0o170000) !== 0o040000) return;
  for (const child of fs.readdir(root)) relabelTree(sysroot, policy, `${root}/${child}`, `${name}/${child}`);
}

/** Labels the stateroot's /var once; a stamp file says that it was done. */
export function relabelVar(sysroot: Sysroot, deployment: Deployment): void {
  const base = `${sysroot.path}/ostree/deploy/${deployment.osname}`;
  if (sysroot.fs.lstat(`${base}/${stamp}`) !== undefined) return;
  sysroot.message(`Relabeling /var (no stamp file '${stamp}' found)`);
  try {
    const policy = deploymentPolicy(sysroot, deployment);
    if (policy !== undefined) relabelTree(sysroot, policy, `${base}/var`, '/var');
    replaceFile(`${base}/${stamp}`, '', { fs: sysroot.fs });
    const label = policy?.label(`/${stamp}`, 0o100644);
    if (label !== undefined) sysroot.fs.setxattr(`${base}/${stamp}`, 'security.selinux', Buffer.from(`${label}\0`));
  } catch (error) {
    throw prefixError(errnoError(error, 'setxattr'), 'Relabeling /var');
  }
}
