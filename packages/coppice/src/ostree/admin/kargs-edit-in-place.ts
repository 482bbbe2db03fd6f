import { CoppiceError } from '@coppice/base';
import { KernelArguments, setKernelArgumentsInPlace } from '@coppice/sysroot';
import { adminVerb } from './call.ts';

export const verb = adminVerb({
  params: 'ARGS',
  summary: 'Set new kernel command line arguments in place (applies to all deployments by default)',
  superuser: true,
  options: () => [
    {
      long: 'append-if-missing',
      arg: 'NAME=VALUE',
      type: 'strings',
      help: 'Append kernel arguments if they do not exist',
    },
  ],
  run({ sysroot, options }) {
    if (sysroot.deployments.length === 0) throw new CoppiceError('NotFound', 'Unable to find a deployment in sysroot');
    for (const deployment of sysroot.deployments) {
      const kargs = KernelArguments.parse(deployment.options, sysroot.compat.quotedKernelArguments);
      for (const argument of options.strings('append-if-missing')) kargs.appendIfMissing(argument);
      setKernelArgumentsInPlace(sysroot, deployment, kargs.toString());
    }
  },
});
