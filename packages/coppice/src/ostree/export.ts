import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { exportArchive } from '@coppice/ostree';
import { checkWritten } from '../cli/context.ts';
import { findPath } from './find-path.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'COMMIT',
  summary: 'Stream COMMIT to stdout in tar format',
  options: () => [
    { long: 'no-xattrs', help: 'Skip output of extended attributes' },
    { long: 'subpath', arg: 'PATH', filename: true, help: 'Checkout sub-directory PATH' },
    { long: 'prefix', arg: 'PATH', filename: true, help: 'Add PATH as prefix to archive pathnames' },
    { long: 'output', short: 'o', arg: 'PATH', filename: true, help: 'Output to PATH ' },
  ],
  run(call: OstreeCall) {
    const { repo, operands, options, context } = call;
    const [rev] = operands;
    if (rev === undefined) call.usage('A COMMIT argument is required');
    const given = options.string('subpath');
    const prefix = options.string('prefix');
    const archive = function* (blocking: number): Iterable<Uint8Array> {
      let begun = false;
      try {
        const commit = repo.resolveRev(rev);
        const pieces = exportArchive(repo, commit, {
          ...(given === undefined ? {} : { subpath: findPath(repo, commit, given).path }),
          ...(prefix === undefined ? {} : { prefix }),
          blocking,
        });
        for (const piece of pieces) {
          begun = true;
          yield piece;
        }
      } catch (error) {
        // The original's writer is open by then and leaves the end of an archive.
        if (!begun) yield new Uint8Array(Math.max(blocking, 1024));
        throw error;
      }
    };
    const output = options.string('output');
    if (output === undefined || output === '') {
      for (const piece of archive(10240)) context.stdout.write(piece);
      checkWritten(context.stdout, () => new CoppiceError('Io', 'Write error'));
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
      for (const piece of archive(fstatSync(fd).isFile() ? 512 : 10240)) writeSync(fd, piece);
    } finally {
      closeSync(fd);
    }
  },
};
