import { existsSync } from 'node:fs';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { CoppiceError } from '@coppice/base';
import type { HelperData, HelperJob } from './helper-job.ts';

export interface HelperThreadOptions {
  /** It is called for more tasks than this, or for 16 KiB as many bytes. Default 1500. */
  readonly startAfter?: number;
}

/**
 * One more thread, which takes its share of what fsck checks, a checkout writes or a delta brings. Made and closed by the caller, who passes it on;
 * it runs only while there is enough to do (starting takes some 30 ms of the other processor and 30 MB).
 */
export class HelperThread {
  readonly #startAfter: number;
  #worker: Worker | undefined;
  #port: MessagePort | undefined;
  /** Counts the jobs that were given. */
  #given = new Int32Array(new SharedArrayBuffer(4));

  constructor(options: HelperThreadOptions = {}) {
    this.#startAfter = options.startAfter ?? 1500;
  }

  /** Whether so many tasks in all, or so many bytes already, are worth its start. */
  isWorth(tasks: number, bytes: number): boolean {
    return tasks > this.#startAfter || bytes > this.#startAfter * 16384;
  }

  /** It runs already. */
  get started(): boolean {
    return this.#worker !== undefined;
  }

  /** Starts the thread, which takes a while, before it is known what it will do. */
  prepare(): void {
    if (this.#worker !== undefined) return;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#given = new Int32Array(new SharedArrayBuffer(4));
    const { file, argv } = workerFile();
    this.#worker = new Worker(file, {
      argv,
      workerData: { given: this.#given.buffer, port: port2 } satisfies HelperData,
      transferList: [port2],
      // Little of what it makes lives longer than a task.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    // What it could not do, the thread that started it does.
    this.#worker.on('error', () => {});
    this.#worker.unref();
  }

  /** Gives it a job, after those that it has. */
  start(job: HelperJob): void {
    this.prepare();
    this.#port!.postMessage(job);
    Atomics.add(this.#given, 0, 1);
    Atomics.notify(this.#given, 0);
  }

  /** Lets the thread go. */
  close(): void {
    void this.#worker?.terminate();
    // The process does not wait for its end.
    this.#worker?.unref();
    this.#worker = undefined;
  }
}

/** Beside this file as source or compiled; in the bundle of the commands, one more program of its entry. */
function workerFile(): { file: URL; argv: string[] } {
  const here = import.meta.url;
  if (here.endsWith('.ts')) return { file: new URL('./helper-worker.ts', here), argv: [] };
  const compiled = new URL('./helper-worker.js', here);
  if (existsSync(compiled)) return { file: compiled, argv: [] };
  const entry = new URL('./main.cjs', here);
  if (existsSync(entry)) return { file: entry, argv: ['ostree-helper'] };
  throw new CoppiceError('Bug', 'the helping thread is missing from this build');
}
