import { Client, readDaemonConfig } from '@coppice/rpm-ostree';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  summary: 'Reload configuration',
  options: verbOptions([]),
  run({ context, options }) {
    // Every command reads the configuration itself; what is left of reloading is to say whether it is valid.
    const sysroot = options.string('sysroot');
    readDaemonConfig(Client.open({ ...(sysroot === undefined ? {} : { sysroot }), env: context.env }));
    return 0;
  },
};
