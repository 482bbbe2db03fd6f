import { writeSync } from 'node:fs';

/** What a command sees of the world: injected, so that tests run commands in-process. */
export interface Context {
  /** The name the command was called by, e.g. `ostree`. */
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: { readonly isTTY: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
}

export interface Output {
  readonly isTTY: boolean;
  /** Terminal width, 80 when unknown. */
  readonly columns: number;
  write(data: string | Uint8Array): void;
  flush(): void;
}

/**
 * Synchronous, buffered writer on a file descriptor. Buffering in 64 KiB makes `ls -R` of 100,000 files cost a few
 * hundred system calls. A closed pipe ends the process as SIGPIPE would end the original.
 */
export function fdOutput(fd: number, isTTY: boolean, columns = 80): Output {
  let parts: Buffer[] = [];
  let size = 0;
  const flush = (): void => {
    if (size === 0) return;
    const data = Buffer.concat(parts);
    parts = [];
    size = 0;
    let at = 0;
    while (at < data.length) {
      try {
        at += writeSync(fd, data, at);
      } catch (error) {
        const code = (error as { code?: string }).code;
        if (code === 'EAGAIN') {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
          continue;
        }
        if (code === 'EPIPE') process.kill(process.pid, 'SIGPIPE');
        throw error;
      }
    }
  };
  return {
    isTTY,
    columns,
    write(data) {
      const chunk = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data);
      parts.push(chunk);
      size += chunk.length;
      if (isTTY || size >= 65536) flush();
    },
    flush,
  };
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
