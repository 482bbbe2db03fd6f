import { CoppiceError } from '@coppice/base';
import { KernelArguments, setKernelArguments } from '@coppice/sysroot';
import { adminVerb } from './call.ts';

export const verb = adminVerb({
  params: 'ARGS',
  summary: 'Set new kernel command line arguments(Not stable)',
  superuser: true,
  unlocked: true,
  options: () => [
    { long: 'import-proc-cmdline', help: 'Import current /proc/cmdline' },
    { long: 'merge', help: 'Merge with previous command line' },
    {
      long: 'replace',
      arg: 'NAME=VALUE',
      type: 'strings',
      help: 'Set kernel argument, like root=/dev/sda1; this overrides any earlier argument with the same name',
    },
    {
      long: 'append',
      arg: 'NAME=VALUE',
      type: 'strings',
      help: 'Append kernel argument; useful with e.g. console= that can be used multiple times',
    },
  ],
  run({ sysroot, options, operands }) {
    const first = sysroot.deployments[0];
    if (first === undefined) throw new CoppiceError('NotFound', 'Unable to find a deployment in sysroot');
    const quoted = sysroot.compat.quotedKernelArguments;
    let kargs = new KernelArguments([], quoted);
    if (options.flag('import-proc-cmdline'))
      kargs = KernelArguments.fromProcCmdline(sysroot.host.procCmdline(), quoted);
    else if (options.flag('merge')) kargs = KernelArguments.parse(first.options, quoted);
    kargs.replaceAll(options.strings('replace'));
    kargs.appendAll(options.strings('append'));
    kargs.appendAll(operands);
    setKernelArguments(sysroot, first, kargs.toArray());
  },
});
