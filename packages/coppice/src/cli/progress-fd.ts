// `--progress-fd=N`, before any `--`, of every command: what happens, as JSON Lines on an open descriptor. The schema is
// packages/coppice/schemas/progress.schema.json.
import { fstatSync, writeSync } from 'node:fs';
import { CoppiceError, type Progress } from '@coppice/base';

const option = '--progress-fd=';
/** Descriptors that may be named: enough for a shell's, few enough to hand on to a child. */
const largest = 255;

export interface ProgressFd {
  readonly fd: number;
  readonly progress: Progress;
}

/** Waits a little for a full pipe. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}

function lines(fd: number): Progress {
  let open = true;
  return (event) => {
    if (!open) return;
    const data = Buffer.from(`${JSON.stringify(event)}\n`);
    let at = 0;
    while (at < data.length) {
      try {
        at += writeSync(fd, data, at);
      } catch (error) {
        if ((error as { code?: string }).code === 'EAGAIN') pause();
        else {
          // A reader that went away is no reason to stop half-way through a change.
          open = false;
          return;
        }
      }
    }
  };
}

/** Takes the option out of the words. Throws `Usage` when its value is no open descriptor. */
export function takeProgressFd(args: readonly string[]): { args: readonly string[]; to?: ProgressFd } {
  const end = args.indexOf('--');
  const at = args.findIndex((word, i) => word.startsWith(option) && (end < 0 || i < end));
  if (at < 0) return { args };
  const value = args[at]!.slice(option.length);
  const fd = /^\d{1,3}$/.test(value) ? Number(value) : -1;
  if (fd < 0 || fd > largest)
    throw new CoppiceError('Usage', `${args[at]}: a descriptor from 0 to ${largest} must be given`);
  try {
    fstatSync(fd);
  } catch {
    throw new CoppiceError('Usage', `${args[at]}: that descriptor is not open`);
  }
  return { args: args.toSpliced(at, 1), to: { fd, progress: lines(fd) } };
}

/** What a child that takes this process's place inherits: the standard streams, and the descriptor under its own number. */
export function inheritedStdio(to: ProgressFd | undefined): ('inherit' | 'ignore' | number)[] {
  const standard = Array<'inherit' | 'ignore' | number>(3).fill('inherit');
  if (to === undefined || to.fd < standard.length) return standard;
  return [...standard, ...Array<'ignore'>(to.fd - standard.length).fill('ignore'), to.fd];
}
