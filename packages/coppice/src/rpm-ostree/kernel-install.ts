import { spawnSync } from 'node:child_process';
import { kernelInstall } from '@coppice/rpm-ostree';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  params: 'add|remove KERNEL-VERSION [ARGS...]',
  summary: 'Integration with systemd kernel-install',
  options: verbOptions([], { daemon: false }),
  run({ context, options }) {
    return kernelInstall(options.operands, {
      env: context.env,
      run(program, args) {
        context.stdout.flush();
        return spawnSync(program, args, { stdio: 'inherit', env: context.env }).status ?? 1;
      },
      print: (line) => context.stdout.write(`${line}\n`),
    });
  },
};
