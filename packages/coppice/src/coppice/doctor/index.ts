import { describeMachine, examineMachine } from '@coppice/instance';
import type { VerbFamily } from '../verbs.ts';

/** `coppice doctor`: what this machine can do and what that means. Exits 0 whatever it finds: nothing listed is an error. */
export const define: VerbFamily['define'] = (command, context) => {
  command
    .option('--json', 'print the findings as JSON')
    .option('--dir <path>', 'the folder whose file system is examined (default: the temporary folder)')
    .action((options: { json?: boolean; dir?: string }) => {
      const abilities = examineMachine(options.dir);
      if (options.json) {
        context.stdout.write(`${JSON.stringify({ machine: describeMachine(), abilities }, null, 2)}\n`);
        return;
      }
      context.stdout.write(`${describeMachine()}\n`);
      for (const { name, ok, found, meaning } of abilities) {
        context.stdout.write(`${ok ? 'yes' : ' no'}  ${name.padEnd(16)} ${ok ? `${found}: ` : ''}${meaning}\n`);
      }
    });
};
