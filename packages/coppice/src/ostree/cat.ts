import { CoppiceError, errnoError } from '@coppice/base';
import { checkWritten } from '../cli/context.ts';
import { isRegular } from './file-mode.ts';
import { findPath } from './find-path.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'COMMIT PATH...',
  summary: 'Concatenate contents of files',
  options: () => [],
  run(call: OstreeCall) {
    const { repo, operands, context } = call;
    const [rev, ...paths] = operands;
    if (rev === undefined || paths.length === 0) call.usage('A COMMIT and at least one PATH argument are required');
    const commit = repo.resolveRev(rev);
    for (const path of paths) {
      let entry = findPath(repo, commit, path);
      for (let links = 0; ; links++) {
        if (entry.type !== 'file') throw new CoppiceError('Invalid', "Can't open directory");
        const file = repo.loadFile(entry.checksum);
        if (isRegular(file.header.mode)) {
          for (const piece of file.read()) context.stdout.write(piece);
          checkWritten(context.stdout, (error) => errnoError(error, 'Error writing to file descriptor'));
          break;
        }
        if (links > 40) throw new CoppiceError('Invalid', 'Too many levels of symbolic links');
        const folder = entry.path.slice(0, entry.path.lastIndexOf('/'));
        const { symlinkTarget } = file.header;
        entry = findPath(repo, commit, symlinkTarget.startsWith('/') ? symlinkTarget : `${folder}/${symlinkTarget}`);
      }
    }
  },
};
