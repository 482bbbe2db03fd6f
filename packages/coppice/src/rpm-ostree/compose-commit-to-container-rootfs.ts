import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { Repo } from '@coppice/ostree';
import { writeContainerRoot } from '@coppice/rpm-ostree';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  params: 'COMMIT DEST',
  summary: 'Unpack an OSTree commit to a target root in ostree-container layout',
  options: verbOptions([{ long: 'repo', arg: 'REPO', help: 'Path to OSTree repository' }], { daemon: false }),
  run({ options, context, usageError }) {
    const [rev, dest] = options.operands;
    if (rev === undefined || dest === undefined) usageError('COMMIT and DEST must be specified');
    const path = options.string('repo');
    if (path === undefined) throw new CoppiceError('Usage', '--repo must be specified');
    const repo = Repo.open(resolve(context.cwd, path), { env: context.env });
    writeContainerRoot(repo, repo.resolveRev(rev!), resolve(context.cwd, dest!));
    return 0;
  },
};
