import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { exportArchive } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'COMMIT',
  summary: 'Stream COMMIT to stdout in tar format',
  options: () => [
    { long: 'no-xattrs', help: 'Skip output of extended attributes' },
    { long: 'subpath', arg: 'PATH', help: 'Checkout sub-directory PATH' },
    { long: 'prefix', arg: 'PATH', help: 'Add PATH as prefix to archive pathnames' },
    { long: 'output', short: 'o', arg: 'PATH', help: 'Output to PATH ' },
  ],
  run(call: OstreeCall) {
    const { repo, operands, options, context } = call;
    const [rev] = operands;
    if (rev === undefined) call.usage('A COMMIT argument is required');
    const commit = repo.resolveRev(rev);
    const subpath = options.string('subpath');
    const prefix = options.string('prefix');
    const archive = (blocking?: number): Iterable<Uint8Array> =>
      exportArchive(repo, commit, {
        ...(subpath === undefined ? {} : { subpath }),
        ...(prefix === undefined ? {} : { prefix }),
        ...(blocking === undefined ? {} : { blocking }),
      });
    const output = options.string('output');
    if (output === undefined) {
      for (const piece of archive()) context.stdout.write(piece);
      return;
    }
    let fd: number;
    try {
      fd = openSync(resolve(context.cwd, output), 'w');
    } catch (error) {
      throw new CoppiceError('Io', `Failed to open '${output}'`, { cause: error });
    }
    try {
      // As libarchive does, a regular file is not padded to whole records.
      for (const piece of archive(fstatSync(fd).isFile() ? 512 : undefined)) writeSync(fd, piece);
    } finally {
      closeSync(fd);
    }
  },
};
