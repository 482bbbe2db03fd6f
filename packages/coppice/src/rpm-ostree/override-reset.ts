import { verbOptions } from './options.ts';
import { overrideOptions, runOverride } from './override-run.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  params: 'PACKAGE [PACKAGE...]',
  summary: 'Reset currently active package overrides',
  options: verbOptions([...overrideOptions, { long: 'all', short: 'a', help: 'Reset all active overrides' }]),
  async run(call) {
    const { options } = call;
    const all = options.flag('all');
    if (all && options.operands.length > 0) call.usageError('Cannot specify PACKAGEs with --all');
    if (!all && options.operands.length === 0) call.usageError('At least one PACKAGE must be specified');
    return await runOverride(call, { reset: options.operands, resetAll: all }, 'override reset');
  },
};
