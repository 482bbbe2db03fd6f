import { type ApplyLiveOutcome, applyLive } from '@coppice/rpm-ostree';
import { stateroot, verbOptions } from './options.ts';
import { inTransaction, type OpenSystem, openSystem } from './run.ts';
import type { Verb } from './verb.ts';

/** What is said when the running tree shows the new commit. Services are never restarted. */
export function printApplied({ text }: OpenSystem, { services }: ApplyLiveOutcome): void {
  if (services.length === 0) text.line('Successfully updated running filesystem tree.');
  else {
    text.line('Successfully updated running filesystem tree; Following services may need to be restarted:');
    for (const name of services) text.line(`  ${name}`);
  }
}

export const verb: Verb = {
  summary: 'Apply pending deployment changes to booted deployment',
  options: verbOptions([
    ...stateroot,
    { long: 'target', arg: 'TARGET', help: 'Target provided commit instead of pending deployment' },
    { long: 'reset', help: 'Reset back to booted commit' },
    { long: 'allow-replacement', help: 'Allow replacement of packages/files (default is pure additive)' },
  ]),
  async run(call) {
    const { options } = call;
    const target = options.string('target');
    const reset = options.flag('reset');
    if (options.operands.length > 0) call.usageError('Too many arguments');
    if (reset && target !== undefined) call.usageError('Cannot specify both --target and --reset');
    const system = openSystem(call);
    const outcome = await inTransaction(system, 'apply-live', () =>
      applyLive(system.client, {
        ...(target === undefined ? {} : { target }),
        reset,
        allowReplacement: options.flag('allow-replacement'),
      }),
    );
    printApplied(system, outcome);
    return 0;
  },
};
