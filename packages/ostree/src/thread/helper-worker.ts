// The helper thread: does its share of a job without a turn of the event loop. What fails is left undone; the thread that
// started this one does it again, and tells what is wrong.
import { workerData } from 'node:worker_threads';
import { ObjectChecker } from '../fsck-object.ts';
import { Repo } from '../repo.ts';
import type { CheckJob, HelperJob } from './helper-job.ts';
import { SharedWork } from './shared-work.ts';

function check(job: CheckJob, work: SharedWork): void {
  const checker = new ObjectChecker(Repo.open(job.repo));
  const bytes = Buffer.from(job.checksums.buffer, job.checksums.byteOffset, job.checksums.byteLength);
  for (const task of work.take()) {
    try {
      checker.check('file', bytes.toString('hex', task * 32, task * 32 + 32));
      work.markDone(task);
    } catch {
      // Not done.
    }
  }
}

const job = workerData as HelperJob;
const work = SharedWork.of(job.memory);
if (work.begin()) {
  try {
    check(job, work);
  } catch {
    // The repository did not open; nothing is done.
  } finally {
    work.end();
  }
}
