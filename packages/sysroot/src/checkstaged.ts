// Checks of deployments that were or are to be finalized at shutdown.

import { isCoppiceError, messageOf } from '@coppice/base';
import { readFile } from '@coppice/linux';
import { type Inspection, shellWord } from './checkfinding.ts';
import { decodeStaged } from './stagedstate.ts';

const stamp = 'boot/ostree/finalize-failure.stamp';

function text(look: Inspection, path: string): string {
  return readFile(path, { fs: look.fs, limit: 1 << 20 }).toString();
}

/** A finalization that failed, and a staged deployment whose tree is gone. */
export function checkFinalization(look: Inspection): void {
  if (look.there(stamp))
    look.add(
      'finalize-failed',
      'error',
      stamp,
      `the deployment that was staged did not get into the boot menu at the last shutdown: ${text(look, `${look.root}/${stamp}`).trim()}`,
      'deal with the cause and upgrade again; the stamp is only a message',
      `rm ${look.word(stamp)}`,
    );
  if (look.run === undefined) return;
  const record = `${look.run}/staged-deployment`;
  if (look.fs.stat(record) === undefined) return;
  let problem: string | undefined;
  try {
    const target = decodeStaged(readFile(record, { fs: look.fs, limit: 1 << 20 }))?.target;
    if (target === undefined) problem = 'the record of the staged deployment names none';
    else if (!look.there(target.path)) problem = `the tree that is to be finalized, ${target.path}, is missing`;
  } catch (error) {
    if (!isCoppiceError(error)) throw error;
    problem = `the record of the staged deployment cannot be read: ${messageOf(error)}`;
  }
  if (problem !== undefined)
    look.add(
      'staged-missing',
      'error',
      record,
      problem,
      'forget it and stage again; the system keeps booting what it boots now',
      `rm -f ${shellWord(record)} ${shellWord(`${record}-locked`)}`,
    );
}
