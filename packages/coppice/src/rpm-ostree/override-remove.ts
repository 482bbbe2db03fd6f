import { verbOptions } from './options.ts';
import { overrideOptions, runOverride } from './override-run.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  params: 'PACKAGE [PACKAGE...]',
  summary: 'Remove packages from the base layer',
  options: verbOptions([
    ...overrideOptions,
    { long: 'replace', arg: 'RPM', type: 'strings', help: 'Replace a package' },
  ]),
  async run(call) {
    const { options } = call;
    if (options.operands.length === 0) call.usageError('At least one PACKAGE must be specified');
    return await runOverride(
      call,
      { remove: options.operands, replace: options.strings('replace') },
      `override remove ${options.operands.join(' ')}`,
    );
  },
};
