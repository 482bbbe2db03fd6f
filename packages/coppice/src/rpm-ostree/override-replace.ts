import { CoppiceError } from '@coppice/base';
import { verbOptions } from './options.ts';
import { overrideOptions, runOverride } from './override-run.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  params: 'PACKAGE [PACKAGE...]',
  summary: 'Replace packages in the base layer',
  options: verbOptions([
    ...overrideOptions,
    { long: 'remove', arg: 'PKG', type: 'strings', help: 'Remove a package' },
    { long: 'experimental', hidden: true, help: 'Allow experimental options such as --from' },
    { long: 'freeze', hidden: true, help: 'Pin packages to versions found' },
    { long: 'from', arg: 'KIND=NAME', hidden: true, help: 'Use package source (currently: repo=NAME)' },
  ]),
  async run(call) {
    const { options } = call;
    const from = options.string('from');
    if (options.operands.length === 0) call.usageError('At least one PACKAGE must be specified');
    if ((from !== undefined || options.flag('freeze')) && !options.flag('experimental'))
      throw new CoppiceError('Usage', 'Must specify --experimental to use --freeze or --from');
    if (from !== undefined && !from.startsWith('repo='))
      throw new CoppiceError('Usage', `Unknown override source: ${from}`);
    return await runOverride(
      call,
      {
        replace: options.operands,
        remove: options.strings('remove'),
        ...(from === undefined ? {} : { from }),
        freeze: options.flag('freeze'),
      },
      `override replace ${options.operands.join(' ')}`,
    );
  },
};
