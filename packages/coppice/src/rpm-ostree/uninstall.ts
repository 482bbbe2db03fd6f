import { changeImage, inContainer } from './container-options.ts';
import { changeLayeredPackages, packageChangeOptions } from './install.ts';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  params: 'PACKAGE [PACKAGE...]',
  summary: 'Remove overlayed additional packages',
  options: verbOptions([
    ...packageChangeOptions,
    { long: 'install', arg: 'PKG', type: 'strings', help: 'Overlay additional package' },
    { long: 'all', help: 'Remove all overlayed additional packages' },
  ]),
  async run(call) {
    const { options } = call;
    if (options.operands.length === 0 && !options.flag('all'))
      call.usageError('At least one PACKAGE must be specified');
    const install = options.strings('install');
    if (inContainer(call)) return await changeImage(call, install, options.operands);
    // Without something to install nothing has to be fetched: an uninstallation works offline.
    return await changeLayeredPackages(call, {
      install,
      uninstall: options.operands,
      uninstallAll: options.flag('all'),
      offline: install.length === 0,
      title: `uninstall ${options.operands.join(' ')}`,
    });
  },
};
