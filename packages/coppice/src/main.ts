// The multi-call entry: `main.js NAME ARGS...`, started by the launchers in bin/. Each program is loaded when it is called.

import { messageOf } from '@coppice/base';
import { type Context, Exit, fdOutput } from './cli/context.ts';
import { programs } from './programs.ts';

async function main(): Promise<number> {
  const [name = 'coppice', ...args] = process.argv.slice(2);
  const context: Context = {
    program: name,
    env: process.env,
    cwd: process.cwd(),
    stdin: { isTTY: process.stdin.isTTY === true },
    stdout: fdOutput(1, process.stdout.isTTY === true, process.stdout.columns),
    stderr: fdOutput(2, process.stderr.isTTY === true, process.stderr.columns),
  };
  try {
    const load = Object.hasOwn(programs, name) ? programs[name] : undefined;
    if (load === undefined) {
      context.stderr.write(`coppice: no program named ${JSON.stringify(name)}\n`);
      return 127;
    }
    return await (await load()).run(context, args);
  } catch (error) {
    if (error instanceof Exit) return error.status;
    context.stdout.flush();
    context.stderr.write(`error: ${messageOf(error)}\n`);
    if (process.env['COPPICE_DEBUG'] === '1' && error instanceof Error) context.stderr.write(`${error.stack}\n`);
    return 1;
  } finally {
    context.stdout.flush();
    context.stderr.flush();
  }
}

process.exitCode = await main();
