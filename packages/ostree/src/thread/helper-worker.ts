// The helper thread: does its share of a job without a turn of the event loop. What fails is left undone; the thread that
// started this one does it again, and tells what is wrong.
import { workerData } from 'node:worker_threads';
import { hostFs } from '@coppice/linux';
import { FileCheckout } from '../checkout-file.ts';
import { ObjectChecker } from '../fsck-object.ts';
import { Repo } from '../repo.ts';
import type { HelperJob } from './helper-job.ts';
import { SharedWork } from './shared-work.ts';

/** What is done with one task. */
function workerOf(job: HelperJob): (task: number, checksum: string) => void {
  const repo = Repo.open(job.repo);
  if (job.kind === 'check') {
    const checker = new ObjectChecker(repo);
    return (_task, checksum) => checker.check('file', checksum);
  }
  const files = new FileCheckout(repo, hostFs, { ...job.options, commit: '', dest: '' });
  return (task, checksum) => {
    const name = job.names[task]!;
    files.file(checksum, job.directories[job.directoryOf[task]!]!, name, `/${name}`);
  };
}

const job = workerData as HelperJob;
const work = SharedWork.of(job.memory);
if (work.begin()) {
  try {
    const run = workerOf(job);
    const checksums = Buffer.from(job.checksums.buffer, job.checksums.byteOffset, job.checksums.byteLength);
    for (const task of work.take('end')) {
      try {
        run(task, checksums.toString('hex', task * 32, task * 32 + 32));
        work.markDone(task);
      } catch {
        // Not done.
      }
    }
  } catch {
    // The repository did not open; nothing is done.
  } finally {
    work.end();
  }
}
