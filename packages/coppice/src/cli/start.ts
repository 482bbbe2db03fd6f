import { fstatSync } from 'node:fs';
import { messageOf } from '@coppice/base';
import { type Context, Exit, fdOutput } from './context.ts';
import { takeProgressFd } from './progress-fd.ts';

/** A program behind a launcher: arguments in, exit status out. Expected failures are thrown and printed as `error: MESSAGE`. */
export interface Program {
  run(context: Context, args: readonly string[]): Promise<number> | number;
}

/** Memory devices such as /dev/null, on Linux. */
const memoryMajor = 1;

/** Asks a stream only where it can be a terminal: setting streams up costs as much as a small verb. */
function isTerminal(fd: number, stream: () => { isTTY?: boolean }): boolean {
  try {
    const stat = fstatSync(fd);
    if (process.platform === 'linux' && stat.rdev >> 8 === memoryMajor) return false;
    return stat.isCharacterDevice() && stream().isTTY === true;
  } catch {
    return false; // a closed descriptor
  }
}

/** Runs a program as this process and sets its exit status. `load` gives undefined when there is no program of that name. */
export async function start(
  name: string,
  args: readonly string[],
  load: () => Promise<Program> | Program | undefined,
): Promise<void> {
  const outTerminal = isTerminal(1, () => process.stdout);
  const context: Context = {
    program: name,
    env: process.env,
    cwd: process.cwd(),
    stdin: {
      get isTTY() {
        return isTerminal(0, () => process.stdin);
      },
    },
    stdout: fdOutput(1, outTerminal, outTerminal ? process.stdout.columns : undefined),
    stderr: fdOutput(
      2,
      isTerminal(2, () => process.stderr),
    ),
  };
  process.exitCode = await run(context, args, load);
}

async function run(
  context: Context,
  args: readonly string[],
  load: () => Promise<Program> | Program | undefined,
): Promise<number> {
  try {
    const program = await load();
    if (program === undefined) {
      context.stderr.write(`coppice: no program named ${JSON.stringify(context.program)}\n`);
      return 127;
    }
    const { args: rest, to } = takeProgressFd(args);
    return await program.run(to === undefined ? context : { ...context, progressFd: to }, rest);
  } catch (error) {
    if (error instanceof Exit) return error.status;
    context.stdout.flush();
    // The original asks whether standard output is a terminal.
    const red = context.program === 'ostree' && context.stdout.isTTY;
    const lead = red ? '\x1b[31m\x1b[1merror:\x1b[0m\x1b[22m' : 'error:';
    context.stderr.write(`${lead} ${messageOf(error)}\n`);
    if (process.env['COPPICE_DEBUG'] === '1' && error instanceof Error) context.stderr.write(`${error.stack}\n`);
    return 1;
  } finally {
    context.stdout.flush();
    context.stderr.flush();
  }
}
