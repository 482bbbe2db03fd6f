import { availableParallelism } from 'node:os';
import { CoppiceError, isCoppiceError } from '@coppice/base';
import { VariantDict } from '@coppice/gvariant';
import {
  CompressPool,
  checkChecksum,
  commitSizes,
  type MetadataEntries,
  MutableTree,
  parseRefspec,
  type Repo,
  scanDevIno,
  type TransactionStats,
  TreeRecord,
} from '@coppice/ostree';
import { booleanArgument } from './boolean-argument.ts';
import { bootableMetadata } from './commit-bootable.ts';
import { commitMessage } from './commit-message.ts';
import { addBindings, commitMetadata, detachedMetadata } from './commit-metadata.ts';
import { commitRules } from './commit-modifier.ts';
import { commitOptions } from './commit-options.ts';
import { selinuxLabels } from './commit-selinux.ts';
import { addSource, treeSources } from './commit-tree.ts';
import { ensureWritable } from './ensure-writable.ts';
import { parseTimestamp } from './timestamp.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: '[PATH]',
  summary: 'Commit a new revision',
  options: commitOptions,
  async run(call: OstreeCall) {
    const { repo, options } = call;
    ensureWritable(repo);
    const rules = commitRules(call);
    const branch = options.string('branch');
    if (branch === undefined && !options.flag('orphan')) {
      throw new CoppiceError('Usage', 'A branch must be specified with --branch, or use --orphan');
    }
    const parent = findParent(call, repo, branch);
    if (branch !== undefined) parseRefspec(branch);
    const metadata = await commitMetadata(call, parent);
    const detached = detachedMetadata(call);
    const message = commitMessage(call);
    const policy = options.string('fsync');
    const fsync = policy === undefined ? !options.flag('disable-fsync') : booleanArgument(policy);
    checkOwners(call);
    const sources = treeSources(call);

    // A second thread, if there is a second processor; it starts only when there is enough to compress or to write.
    const pool = availableParallelism() > 1 ? new CompressPool() : undefined;
    const transaction = repo.beginTransaction({ fsync, ...(pool === undefined ? {} : { compressPool: pool }) });
    try {
      const base = options.string('base');
      // The original records nothing in other repositories.
      const record = options.flag('generate-sizes') && repo.mode === 'archive' ? new TreeRecord() : undefined;
      const tree =
        base === undefined ? new MutableTree(record) : MutableTree.fromCommit(repo, repo.resolveRev(base), record);
      const speedup = options.flag('link-checkout-speedup') || options.flag('devino-canonical');
      const modifier = {
        ...rules.modifier,
        ...(speedup ? { devino: scanDevIno(repo) } : {}),
        ...(await selinuxLabels(call, sources, base)),
      };
      for (const source of sources) {
        record?.startSource();
        await addSource(call, transaction, tree, source, modifier);
      }
      rules.checkAllUsed();
      const root = transaction.writeTree(tree);

      if (options.flag('skip-if-unchanged') && parent !== undefined) {
        const old = repo.loadCommit(parent);
        if (old.tree === root.tree && old.meta === root.meta) {
          transaction.abort();
          print(call, parent, transaction.stats);
          return;
        }
      }
      addBindings(call, metadata);
      const full = await bootableMetadata(call, metadata, root);
      if (record !== undefined) full.push(['ostree.sizes', commitSizes(repo, record)]);
      const checksum = transaction.writeCommit({
        metadata: full,
        parent,
        subject: message.subject,
        body: message.body,
        timestamp: timestamp(call),
        tree: root.tree,
        meta: root.meta,
      });
      const beside = await signed(call, checksum, detached);
      if (beside !== undefined) transaction.setDetachedMetadata(checksum, beside);
      if (branch !== undefined) transaction.setRef(branch, checksum);
      print(call, checksum, transaction.commit());
    } catch (error) {
      transaction.abort();
      throw error;
    } finally {
      pool?.close();
    }
  },
};

/** Canonical permissions belong to root. */
function checkOwners({ options }: OstreeCall): void {
  if (!options.flag('canonical-permissions')) return;
  for (const name of ['owner-uid', 'owner-gid']) {
    if ((options.number(name) ?? 0) > 0)
      throw new CoppiceError('Usage', `Cannot specify both --canonical-permissions and non-zero --${name}`);
  }
}

function findParent({ options }: OstreeCall, repo: Repo, branch: string | undefined): string | undefined {
  const given = options.string('parent');
  if (given === 'none') return undefined;
  if (given !== undefined) return checkChecksum(given);
  if (branch === undefined || options.flag('orphan')) return undefined;
  try {
    return repo.tryResolveRev(branch);
  } catch (error) {
    // A folder of that name is dealt with when the ref is written.
    if (isCoppiceError(error) && error.data['errno'] === 'EISDIR') return undefined;
    throw error;
  }
}

/** Seconds since the epoch: --timestamp, else $SOURCE_DATE_EPOCH, else now. */
function timestamp({ options, context, repo }: OstreeCall): number | bigint {
  const given = options.string('timestamp');
  const now = repo.clock.now();
  if (given !== undefined) {
    const parsed = parseTimestamp(given, now);
    if (parsed === undefined) throw new CoppiceError('Invalid', `Could not parse '${given}'`);
    return parsed;
  }
  const epoch = context.env['SOURCE_DATE_EPOCH'];
  if (epoch === undefined) return Math.floor(now / 1000);
  // As g_ascii_strtoll reads it: blanks and a sign may stand before the digits, and anything behind them.
  const number = /^[ \t\n\v\f\r]*([+-]?)(\d+)/.exec(epoch);
  if (number === null) throw new CoppiceError('Invalid', 'Failed to convert SOURCE_DATE_EPOCH');
  const seconds = BigInt(number[2]!) * (number[1] === '-' ? -1n : 1n);
  if (BigInt.asIntN(64, seconds) !== seconds) {
    throw new CoppiceError('Invalid', 'Parsing SOURCE_DATE_EPOCH: Numerical result out of range');
  }
  return seconds;
}

/** The detached metadata with the signatures that --gpg-sign and --sign ask for. */
async function signed(
  call: OstreeCall,
  checksum: string,
  detached: MetadataEntries | undefined,
): Promise<MetadataEntries | undefined> {
  const { options, repo } = call;
  if (options.strings('sign').length === 0 && options.strings('gpg-sign').length === 0) return detached;
  const { signersOf } = await import('./signers.ts');
  const bytes = repo.loadCommitBytes(checksum);
  let dict = detached === undefined ? undefined : new VariantDict(detached);
  for (const signer of signersOf(call)) dict = new VariantDict(signer(bytes, dict));
  return dict;
}

function print(call: OstreeCall, checksum: string, stats: TransactionStats): void {
  if (!call.options.flag('table-output')) {
    call.print(checksum);
    return;
  }
  call.print(`Commit: ${checksum}`);
  call.print(`Metadata Total: ${stats.metadataTotal}`);
  call.print(`Metadata Written: ${stats.metadataWritten}`);
  call.print(`Content Total: ${stats.contentTotal}`);
  call.print(`Content Written: ${stats.contentWritten}`);
  call.print(`Content Cache Hits: ${stats.devinoCacheHits}`);
  call.print(`Content Bytes Written: ${stats.contentBytesWritten}`);
}
