import { CoppiceError } from '@coppice/base';
import {
  deleteCommit,
  formatSize,
  type PruneResult,
  pruneAsync,
  pruneStaticDeltas,
  pruneUnreachableAsync,
  Reachable,
  traverseCommit,
} from '@coppice/ostree';
import { ensureWritable } from './ensure-writable.ts';
import { refTableOrder } from './refs-order.ts';
import { parseTimestamp } from './timestamp.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  summary: 'Search for unreachable objects',
  options: () => [
    { long: 'no-prune', help: "Only display unreachable objects; don't delete" },
    { long: 'refs-only', help: 'Only compute reachability via refs' },
    {
      long: 'depth',
      arg: 'DEPTH',
      type: 'int',
      help: 'Only traverse DEPTH parents for each commit (default: -1=infinite)',
    },
    { long: 'delete-commit', arg: 'COMMIT', help: 'Specify a commit to delete' },
    { long: 'keep-younger-than', arg: 'DATE', help: 'Prune all commits older than the specified date' },
    {
      long: 'static-deltas-only',
      help: 'Change the behavior of delete-commit and keep-younger-than to prune only static deltas',
    },
    {
      long: 'retain-branch-depth',
      arg: 'BRANCH=DEPTH',
      type: 'strings',
      help: 'Additionally retain BRANCH=DEPTH commits',
    },
    {
      long: 'only-branch',
      arg: 'BRANCH',
      type: 'strings',
      help: 'Only prune BRANCH (may be specified multiple times)',
    },
    { long: 'commit-only', help: 'Only traverse and delete commit objects.' },
  ],
  async run(call: OstreeCall) {
    const { repo, options } = call;
    const noPrune = options.flag('no-prune');
    if (!noPrune) ensureWritable(repo);
    const commitOnly = options.flag('commit-only');
    const doomed = options.string('delete-commit');
    const deltasOnly = options.flag('static-deltas-only');
    if (doomed !== undefined) {
      if (noPrune) call.usage('Cannot specify both --delete-commit and --no-prune');
      if (deltasOnly) pruneStaticDeltas(repo, doomed);
      else deleteCommit(repo, doomed);
    } else if (deltasOnly) {
      throw new CoppiceError(
        'Usage',
        '--static-deltas-only requires --delete-commit; see https://github.com/ostreedev/ostree/issues/1479',
      );
    }
    const depth = options.number('depth') ?? -1;
    const complex = ['retain-branch-depth', 'keep-younger-than', 'only-branch'].some((name) => options.has(name));
    const result = await (complex
      ? pruneByRef(call, depth)
      : pruneAsync(repo, { depth, refsOnly: options.flag('refs-only'), noPrune, commitOnly }));
    call.print(`Total ${commitOnly ? '(commit only) ' : ''}objects: ${result.total}`);
    if (result.pruned === 0) call.print('No unreachable objects');
    else if (noPrune) call.print(`Would delete: ${result.pruned} objects, freeing ${formatSize(result.freed)}`);
    else call.print(`Deleted ${result.pruned} objects, ${formatSize(result.freed)} freed`);
  },
};

/** Prunes what the refs do not keep; locked while that is found out too, so that no new commit falls between. */
async function pruneByRef(call: OstreeCall, depth: number): Promise<PruneResult> {
  const { repo, options } = call;
  repo.lock?.acquire('exclusive');
  try {
    const flags = { noPrune: options.flag('no-prune'), commitOnly: options.flag('commit-only') };
    return await pruneUnreachableAsync(repo, reachable(call, depth), flags);
  } finally {
    repo.lock?.release();
  }
}

/** BRANCH=DEPTH pairs. A depth of 0 counts as not given, as in the original. */
function branchDepths(call: OstreeCall): Map<string, number> {
  const out = new Map<string, number>();
  for (const text of call.options.strings('retain-branch-depth')) {
    const at = text.lastIndexOf('=');
    if (at < 0) throw new CoppiceError('Usage', `Invalid value ${text}, must specify BRANCH=DEPTH`);
    const depth = text.slice(at + 1);
    const number = /^\s*[+-]?\d+/.exec(depth);
    if (number === null) throw new CoppiceError('Usage', `Invalid depth ${depth}`);
    out.set(text.slice(0, at), Number(number[0]));
  }
  return out;
}

/** What the refs keep under --retain-branch-depth, --keep-younger-than and --only-branch. */
function reachable(call: OstreeCall, depth: number): Reachable {
  const { repo, options } = call;
  const commitOnly = options.flag('commit-only');
  const depths = branchDepths(call);
  const refs = repo.listRefs();
  const youngerThan = options.string('keep-younger-than');
  const limit = youngerThan === undefined ? undefined : parseTimestamp(youngerThan, repo.clock.now());
  if (youngerThan !== undefined && limit === undefined) {
    throw new CoppiceError('Invalid', `Could not parse '${youngerThan}'`);
  }
  const only = new Set(options.strings('only-branch'));
  for (const branch of only) repo.resolveRev(branch);
  const found = new Reachable();
  // Of two refs to one commit the first decides how much of its history stays.
  for (const refspec of refTableOrder(repo, refs.keys())) {
    const checksum = refs.get(refspec)!;
    const keep = depths.get(refspec);
    if (keep !== undefined && keep !== 0) traverseCommit(repo, checksum, found, { depth: keep, commitOnly });
    else if (only.size > 0 && !only.has(refspec)) traverseCommit(repo, checksum, found, { depth: -1, commitOnly });
    else if (limit !== undefined) keepYounger(call, checksum, limit, found);
    else traverseCommit(repo, checksum, found, { depth, commitOnly });
  }
  return found;
}

/** The tip, and its ancestors until the first one older than `limit`. */
function keepYounger({ repo, options }: OstreeCall, tip: string, limit: number, found: Reachable): void {
  const commitOnly = options.flag('commit-only');
  traverseCommit(repo, tip, found, { depth: 0, commitOnly });
  for (let at: string | undefined = tip; at !== undefined && repo.hasObject('commit', at); ) {
    const { timestamp, parent } = repo.loadCommit(at);
    if (Number(timestamp) < limit) return;
    traverseCommit(repo, at, found, { depth: 0, commitOnly });
    at = parent;
  }
}
