import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { loadPolicy } from '@coppice/selinux';
import { ensureLabeled } from '@coppice/sysroot';
import { adminVerb } from './call.ts';

export const verb = adminVerb({
  params: '[SUBPATH PREFIX]',
  summary: 'Relabel all or part of a deployment',
  superuser: true,
  unlocked: true,
  run({ sysroot, operands, context, print }) {
    const first = sysroot.deployments[0];
    if (first === undefined) throw new CoppiceError('NotFound', 'Unable to find a deployment in sysroot');
    const tree = sysroot.deploymentPath(first);
    const [subpath, prefix = ''] = operands;
    const policy = loadPolicy(sysroot.fs, tree);
    if (policy === undefined) {
      print(`No SELinux policy found in deployment '${tree}'`);
      return;
    }
    print(`Relabeling using policy '${policy.name}'`);
    ensureLabeled(
      sysroot.fs,
      policy,
      subpath === undefined ? tree : resolve(context.cwd, subpath),
      prefix,
      (path, name, label) => print(`Set label of '${path}' (as '${name}') to '${label}'`),
    );
  },
});
