import { deleteRemote } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from '../verb.ts';
import { openSysrootRepo, sysrootOptions } from './sysroot-repo.ts';

export const verb: OstreeVerb = {
  params: 'NAME',
  summary: 'Delete a remote repository',
  repo: 'none',
  options: () => [{ long: 'if-exists', help: 'Do nothing if the provided remote does not exist' }, ...sysrootOptions],
  async run(call: OstreeCall) {
    const { repo } = await openSysrootRepo(call);
    const [name] = call.operands;
    if (name === undefined) call.usage('NAME must be specified');
    deleteRemote(repo, name, call.options.flag('if-exists'));
  },
};
