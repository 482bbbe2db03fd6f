import { appendFileSync } from 'node:fs';
import { errnoError, messageOf } from '@coppice/base';
import type { StaticRequest } from '@coppice/http';
import type { Context } from '../../cli/context.ts';

function line(request: StaticRequest): string {
  const time = new Date().toISOString();
  return `${request.remote} - - [${time}] "${request.method} ${request.path} HTTP/1.1" ${request.status} ${request.bytes} ${request.ms.toFixed(1)}ms\n`;
}

/**
 * A line for each request, in a file or on standard output. Lines of one round of the event loop leave in one write, whole
 * lines only, so that several processes can share a file; it is opened each time, so that it can be moved away.
 */
export class AccessLog {
  readonly #context: Context;
  readonly #path: string | undefined;
  #lines = '';
  #failed = false;

  /** Without `path` lines go to standard output. Throws `Io` and the like when the file cannot be written to. */
  constructor(context: Context, path: string | undefined) {
    this.#context = context;
    this.#path = path;
    if (path === undefined) return;
    try {
      appendFileSync(path, '');
    } catch (error) {
      throw errnoError(error, path);
    }
  }

  add(request: StaticRequest): void {
    if (this.#lines === '') setImmediate(() => this.flush());
    this.#lines += line(request);
  }

  /** Writes what has not been written. A disk that is full costs lines, not answers. */
  flush(): void {
    const lines = this.#lines;
    this.#lines = '';
    if (lines === '') return;
    if (this.#path === undefined) {
      this.#context.stdout.write(lines);
      this.#context.stdout.flush();
      return;
    }
    try {
      appendFileSync(this.#path, lines);
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.#context.stderr.write(`warning: ${this.#path}: ${messageOf(error)}\n`);
      this.#failed = true;
    }
  }
}
