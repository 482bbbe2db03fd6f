import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { CoppiceError } from '@coppice/base';
import type { HelperJob } from './helper-job.ts';

export interface HelperThreadOptions {
  /** It is called for more tasks than this, or for 16 KiB as many bytes. Default 1500. */
  readonly startAfter?: number;
}

/**
 * One more thread, which takes its share of the objects that fsck checks. Made and closed by the caller, who passes it on;
 * it runs only while there is enough to do (starting takes some 30 ms of the other processor and 30 MB).
 */
export class HelperThread {
  readonly #startAfter: number;
  #worker: Worker | undefined;

  constructor(options: HelperThreadOptions = {}) {
    this.#startAfter = options.startAfter ?? 1500;
  }

  /** Whether so many tasks in all, or so many bytes already, are worth its start. */
  isWorth(tasks: number, bytes: number): boolean {
    return tasks > this.#startAfter || bytes > this.#startAfter * 16384;
  }

  /** Starts on a job; the thread that had the last one must be through. */
  start(job: HelperJob): void {
    // Little of what it makes lives longer than a task.
    const resourceLimits = { maxYoungGenerationSizeMb: 4 };
    this.#worker = new Worker(workerFile(), { workerData: job, resourceLimits });
    // What it could not do, the thread that started it does.
    this.#worker.on('error', () => {});
    this.#worker.unref();
  }

  /** Lets the thread go. */
  close(): void {
    void this.#worker?.terminate();
    this.#worker = undefined;
  }
}

/** Beside this file as source or compiled; in a bundle, a file of its own. */
function workerFile(): URL {
  const here = import.meta.url;
  if (here.endsWith('.ts')) return new URL('./helper-worker.ts', here);
  for (const place of ['./helper-worker.js', './ostree-helper-worker.mjs']) {
    const url = new URL(place, here);
    if (existsSync(url)) return url;
  }
  throw new CoppiceError('Bug', 'the helping thread is missing from this build');
}
