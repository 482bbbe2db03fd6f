// The helper thread: does its share of jobs without a turn of the event loop. What fails is left undone; the thread that
// started this one does it again, and tells what is wrong.
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { hostFs, removeTree } from '@coppice/linux';
import { FileCheckout } from '../checkout-file.ts';
import { AsidePart } from '../delta/aside-part.ts';
import { ObjectChecker } from '../fsck-object.ts';
import { Repo } from '../repo.ts';
import type { HelperData, HelperJob } from './helper-job.ts';
import { SharedWork } from './shared-work.ts';

let checking: { readonly path: string; readonly checker: ObjectChecker } | undefined;
let writing: { readonly checkout: number; readonly files: FileCheckout } | undefined;

/** What is done with one task. */
function workerOf(job: HelperJob): (task: number, checksum: string) => void {
  if (job.kind === 'remove') return (task) => removeTree(job.paths[task]!);
  if (job.kind === 'check') {
    // The parts of one check follow each other.
    if (checking?.path !== job.repo) checking = { path: job.repo, checker: new ObjectChecker(Repo.open(job.repo)) };
    const { checker } = checking;
    return (_task, checksum) => checker.check('file', checksum);
  }
  if (job.kind === 'apply') {
    const machine = new AsidePart(hostFs, job);
    return (task, checksum) => machine.make(task, checksum);
  }
  if (writing?.checkout !== job.checkout) {
    const options = { ...job.options, commit: '', dest: '' };
    writing = { checkout: job.checkout, files: new FileCheckout(Repo.open(job.repo), hostFs, options) };
  }
  const { files } = writing;
  return (task, checksum) => {
    const name = job.names[task]!;
    files.file(checksum, job.directories[job.directoryOf[task]!]!, name, `/${name}`);
  };
}

function help(job: HelperJob): void {
  const work = SharedWork.of(job.memory);
  if (!work.begin()) return;
  try {
    const run = workerOf(job);
    const { buffer, byteOffset, byteLength } = job.kind === 'remove' ? Buffer.alloc(0) : job.checksums;
    const checksums = Buffer.from(buffer, byteOffset, byteLength);
    for (const task of work.take('end', job.kind === 'apply' ? 1 : undefined)) {
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
    // Set by the entry of the bundle when there is no compiled code yet; before the end, behind which the thread may be stopped.
    (globalThis as { keepCompiledCode?: () => void }).keepCompiledCode?.();
    work.end();
  }
}

const { given: memory, port } = workerData as HelperData;
const given = new Int32Array(memory);
for (let done = 0; ; done++) {
  Atomics.wait(given, 0, done);
  help(receiveMessageOnPort(port)!.message as HelperJob);
}
