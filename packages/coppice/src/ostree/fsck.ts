import { availableParallelism } from 'node:os';
import { CoppiceError } from '@coppice/base';
import { type FsckEvent, type FsckResult, HelperThread, runFsck } from '@coppice/ostree';
import { collectionRefOrder, listedEntries, refTableOrder } from './refs-order.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  summary: 'Check the repository for consistency',
  options: () => [
    { long: 'add-tombstones', help: 'Add tombstones for missing commits' },
    { long: 'quiet', short: 'q', help: 'Only print error messages' },
    { long: 'all', short: 'a', help: "Don't stop on first error" },
    { long: 'delete', help: 'Remove corrupted objects' },
    { long: 'verify-bindings', help: 'Verify ref bindings' },
    { long: 'verify-back-refs', help: 'Verify back-references (implies --verify-bindings)' },
  ],
  run(call: OstreeCall) {
    const { repo, options } = call;
    // A second thread, if there is a second processor; it starts only when there is enough to read.
    const helper = availableParallelism() > 1 ? new HelperThread() : undefined;
    let result: FsckResult;
    try {
      result = runFsck(
        repo,
        {
          all: options.flag('all'),
          delete: options.flag('delete'),
          addTombstones: options.flag('add-tombstones'),
          verifyBindings: options.flag('verify-bindings'),
          verifyBackRefs: options.flag('verify-back-refs'),
          // The original walks hash tables.
          refOrder: (refspecs) => refTableOrder(repo, refspecs),
          collectionRefOrder: (refs) => collectionRefOrder(repo, refs),
          readdir: (path) => listedEntries(path).map(({ name }) => name),
          ...(helper === undefined ? {} : { helper }),
        },
        (event) => show(call, event),
      );
    } finally {
      helper?.close();
    }
    if (result.partial > 0) call.print(`${result.partial} partial commits not verified`);
    if (result.corrupt) throw new CoppiceError('Corrupt', 'Repository corruption encountered');
    if (result.partialByFsck > 0) {
      throw new CoppiceError('Corrupt', `${result.partial} partial commits from fsck-detected corruption`);
    }
    call.print(`object fsck of ${result.commits} commits completed successfully - no errors found.`);
  },
};

const stages = {
  refs: 'Validating refs...',
  'collection-refs': 'Validating refs in collections...',
  commits: 'Enumerating commits...',
} as const;

function show(call: OstreeCall, event: FsckEvent): void {
  const quiet = call.options.flag('quiet');
  switch (event.type) {
    case 'stage':
      if (quiet) return;
      if (event.stage === 'objects') call.print(`Verifying content integrity of ${event.commits} commit objects...`);
      else call.print(stages[event.stage]);
      return;
    case 'progress':
      if (event.done === 1 || event.done === event.total) {
        call.print(`fsck objects (${event.done}/${event.total}) ${Math.floor((event.done * 100) / event.total)}%`);
      }
      return;
    case 'corrupt':
    case 'missing':
      call.warn(event.message);
      return;
    case 'marked-partial':
      call.warn(`Marking commit as partial: ${event.commit}`);
      return;
    case 'tombstone':
      call.print(`Adding tombstone for commit ${event.commit}`);
  }
}
