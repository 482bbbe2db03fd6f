import { writeSync } from 'node:fs';
import type { ProgressFd } from './progress-fd.ts';

/** What a command sees of the world: injected, so that tests run commands in-process. */
export interface Context {
  /** The name the command was called by, e.g. `ostree`. */
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: { readonly isTTY: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  /** Where `--progress-fd` wants to follow. */
  readonly progressFd?: ProgressFd;
}

export interface Output {
  readonly isTTY: boolean;
  /** Terminal width, 80 when unknown. */
  readonly columns: number;
  /** Text, or bytes that are written as they are. */
  write(data: string | Uint8Array): void;
  /** Applied to text that is written; default: UTF-8. */
  encode?: (text: string) => string | Uint8Array;
  flush(): void;
  /** What went wrong with writing, if anything; nothing is written after it. Most commands do not care, as printf does not. */
  readonly failure?: unknown;
}

const bufferSize = 64 * 1024;

/** Node ignores the signal; listening and no longer listening gives it back its default. */
function dieOfPipe(): void {
  const nothing = (): void => {};
  process.on('SIGPIPE', nothing);
  process.off('SIGPIPE', nothing);
  process.kill(process.pid, 'SIGPIPE');
}

/**
 * Synchronous, buffered writer on a file descriptor. Buffering in 64 KiB makes `ls -R` of 100,000 files cost a few
 * hundred system calls. A closed pipe ends the process as SIGPIPE would end the original.
 */
export function fdOutput(fd: number, isTTY: boolean, columns = 80): Output {
  let buffer: Buffer | undefined;
  let size = 0;
  let failure: unknown;
  const send = (data: Uint8Array, length: number): void => {
    let at = 0;
    while (at < length && failure === undefined) {
      try {
        at += writeSync(fd, data, at, length - at);
      } catch (error) {
        const code = (error as { code?: string }).code;
        if (code === 'EAGAIN') {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
          continue;
        }
        if (code === 'EPIPE') {
          dieOfPipe();
          throw error;
        }
        failure = error;
      }
    }
  };
  const flush = (): void => {
    if (buffer === undefined || size === 0) return;
    const length = size;
    size = 0;
    send(buffer, length);
  };
  return {
    isTTY,
    columns,
    write(given) {
      const data = typeof given === 'string' && this.encode !== undefined ? this.encode(given) : given;
      buffer ??= Buffer.allocUnsafeSlow(bufferSize);
      // A character becomes three bytes at most.
      const most = typeof data === 'string' ? data.length * 3 : data.length;
      if (most > bufferSize - size) flush();
      if (most > bufferSize) {
        const bytes = typeof data === 'string' ? Buffer.from(data) : data;
        send(bytes, bytes.length);
      } else if (typeof data === 'string') size += buffer.write(data, size);
      else {
        buffer.set(data, size);
        size += data.length;
      }
      if (isTTY) flush();
    },
    flush,
    get failure() {
      return failure;
    },
  };
}

/** Throws, in the words of `what`, unless everything so far could be written: for commands whose output is data. */
export function checkWritten(output: Output, what: (error: unknown) => Error): void {
  output.flush();
  if (output.failure !== undefined) throw what(output.failure);
}

/** Collects what is written; for tests and for running a command inside another. */
export function memoryOutput(): Output & { readonly text: string; readonly bytes: Buffer } {
  const parts: Buffer[] = [];
  return {
    isTTY: false,
    columns: 80,
    write(data) {
      parts.push(Buffer.from(data as Uint8Array));
    },
    flush() {},
    get bytes() {
      return Buffer.concat(parts);
    },
    get text() {
      return Buffer.concat(parts).toString();
    },
  };
}

/** Exits through the normal path with this status; what the command printed stays. */
export class Exit extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`exit ${status}`);
    this.status = status;
  }
}
