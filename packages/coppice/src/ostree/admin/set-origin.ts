import { CoppiceError } from '@coppice/base';
import { addRemote, parseRefspec } from '@coppice/ostree';
import { Origin, writeOriginFile } from '@coppice/sysroot';
import { adminVerb, indexedDeployment } from './call.ts';

export const verb = adminVerb({
  params: 'REMOTENAME URL [BRANCH]',
  summary: 'Set Origin and create a new origin file',
  superuser: true,
  options: () => [
    { long: 'set', short: 's', arg: 'KEY=VALUE', type: 'strings', help: 'Set config option KEY=VALUE for remote' },
    { long: 'index', arg: 'INDEX', type: 'int', help: 'Operate on the deployment INDEX, starting from zero' },
  ],
  async run({ sysroot, operands, options, usage }) {
    const [remote, url, branch] = operands;
    if (remote === undefined || url === undefined) usage('REMOTENAME and URL must be specified');
    const index = options.number('index') ?? -1;
    const deployment = index === -1 ? sysroot.requireBooted() : indexedDeployment(sysroot, index);
    const settings = options.strings('set').map((text): [string, string] => {
      const at = text.indexOf('=');
      if (at < 0) throw new CoppiceError('Usage', `Missing '=' in KEY=VALUE for --set`);
      return [text.slice(0, at), text.slice(at + 1)];
    });
    addRemote(sysroot.repo, remote!, { url: url!, keys: settings, existing: 'keep' });
    const old = deployment.origin?.refspec;
    if (old === undefined) throw new CoppiceError('NotFound', 'No origin/refspec in current deployment origin');
    const ref = branch ?? parseRefspec(old).ref;
    writeOriginFile(sysroot, deployment, Origin.fromRefspec(`${remote}:${ref}`));
  },
});
