import { CoppiceError } from '@coppice/base';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

/** A verb of the original that is missing here. */
export function notBuilt(name: string): { readonly verb: Verb } {
  return {
    verb: {
      summary: 'Not built yet',
      options: verbOptions([], { daemon: false }),
      run() {
        throw new CoppiceError('Unsupported', `not built yet: rpm-ostree ${name}`);
      },
    },
  };
}
