import { CoppiceError } from '@coppice/base';
import { type DeploymentStatus, deploymentStatus, statusJson, statusText } from '@coppice/sysroot';
import { adminVerb, isOld } from './call.ts';
import { signatureLines, verificationText } from './status-signatures.ts';

export const verb = adminVerb({
  summary: 'List deployments',
  unlocked: true,
  options: (level) => [
    ...(isOld(level)
      ? [{ long: 'verify', short: 'V', help: 'Print the commit verification status' }]
      : [
          { long: 'verify', short: 'V', help: 'Print the commit verification status' },
          { long: 'json', short: 'J', help: 'Emit JSON' },
          { long: 'skip-signatures', short: 'S', help: 'Skip signatures in output' },
          {
            long: 'is-default',
            short: 'D',
            help: 'Output "default" if booted into the default deployment, otherwise "not-default"',
          },
        ]),
  ],
  run({ sysroot, options, context, level, print }) {
    if (options.flag('is-default')) {
      const [first] = sysroot.deployments;
      if (first === undefined) throw new CoppiceError('NotFound', 'Not in a booted OSTree system');
      print(first === sysroot.booted ? 'default' : 'not-default');
      return;
    }
    const list = deploymentStatus(sysroot);
    if (options.flag('json')) {
      context.stdout.write(statusJson(list));
      return;
    }
    const redBold: [string, string] = context.stdout.isTTY ? ['\x1b[31m\x1b[1m', '\x1b[22m\x1b[22m\x1b[0m'] : ['', ''];
    let failure: unknown;
    const extra = (status: DeploymentStatus): string => {
      if (options.flag('skip-signatures') && !options.flag('verify')) return '';
      try {
        if (options.flag('verify')) return verificationText(sysroot, status);
        return signatureLines(sysroot, status, isOld(level));
      } catch (error) {
        failure = error;
        return '';
      }
    };
    const text = { showLocked: !isOld(level), redBold, extra };
    if (list.length === 0) context.stdout.write(statusText(list, text));
    // What is known is printed before an error about the signatures.
    for (const status of list) {
      context.stdout.write(statusText([status], text));
      if (failure !== undefined) throw failure;
    }
  },
});
