import { endProcess } from '@coppice/linux';

/** Under these Node writes something when it ends. */
const asked = /prof|trace|coverage|inspect|report/;

function endsPlainly(): boolean {
  const { NODE_OPTIONS, NODE_V8_COVERAGE } = process.env;
  return (
    NODE_OPTIONS === undefined && NODE_V8_COVERAGE === undefined && !process.execArgv.some((flag) => asked.test(flag))
  );
}

/**
 * When all went well, what is left is to wait for the engine's compiler and to give memory back piece by piece; this leaves it
 * to the system. Others who listen for the end get their turn, and so does the report of an error that nobody caught.
 */
export function leaveAtOnce(): void {
  const leave = (status: number): void => {
    if (status !== 0 || process.listeners('exit').at(-1) !== leave) return;
    if (endsPlainly()) endProcess();
    else process.exit();
  };
  process.on('exit', leave);
}
