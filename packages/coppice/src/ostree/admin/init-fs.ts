import { resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import { type InitEpoch, initFs } from '@coppice/sysroot';
import type { OstreeVerb } from '../verb.ts';
import { adminOptions, isOld } from './call.ts';

export const verb: OstreeVerb = {
  params: 'PATH',
  summary: 'Initialize a root filesystem',
  repo: 'none',
  options: (level) => [
    ...adminOptions,
    { long: 'modern', help: 'Only create /boot and /ostree' },
    ...(isOld(level)
      ? []
      : [
          {
            long: 'epoch',
            short: 'E',
            arg: '',
            type: 'int' as const,
            help: 'An integer value, defines initial state.  Must be in the range [0-1], inclusive.',
          },
        ]),
  ],
  run({ operands, options, context, usage }) {
    const [path] = operands;
    if (path === undefined) usage('PATH must be specified');
    const epoch = options.flag('modern') ? 1 : (options.number('epoch') ?? 0);
    if (epoch < 0) throw new CoppiceError('Usage', `Invalid epoch: ${epoch}`);
    if (path === '' || hostFs.stat(resolve(context.cwd, path!)) === undefined)
      throw errnoError({ code: 'ENOENT' }, `opendir(${path})`);
    initFs(resolve(context.cwd, path!), { epoch: (epoch > 2 ? 1 : epoch) as InitEpoch });
  },
};
