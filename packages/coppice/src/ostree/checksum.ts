import { resolve } from 'node:path';
import { CoppiceError, strerror } from '@coppice/base';
import { fileChecksum } from '@coppice/ostree';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'PATH',
  summary: 'Checksum a file or directory',
  repo: 'none',
  options: () => [{ long: 'ignore-xattrs', help: "Don't include xattrs in checksum" }],
  run(call: OstreeCall) {
    const { operands, options, context } = call;
    const [name] = operands;
    if (name === undefined) throw new CoppiceError('Usage', 'A filename must be given');
    if (name === '') throw new CoppiceError('Io', strerror('ENOTSUP'));
    const path = resolve(context.cwd, name);
    try {
      call.print(fileChecksum(path, { ignoreXattrs: options.flag('ignore-xattrs') }));
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'NotFound') {
        const about = options.flag('ignore-xattrs')
          ? `fstatat(${name})`
          : `Error when getting information for file “${path}”`;
        throw new CoppiceError('NotFound', `${about}: ${strerror('ENOENT')}`, { cause: error });
      }
      const errno = code ?? '';
      const refused = errno === 'EACCES' || errno === 'Permission';
      throw refused ? new CoppiceError('Permission', `Error opening file ${path}: ${strerror('EACCES')}`) : error;
    }
  },
};
