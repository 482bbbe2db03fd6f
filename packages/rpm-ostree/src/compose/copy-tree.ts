// A commit with its tree from one repository into a transaction of another.
import type { Repo, Transaction } from '@coppice/ostree';

/** Copies what the transaction's repository does not have. */
export function copyTree(from: Repo, txn: Transaction, commit: string): void {
  for (const entry of from.readTree(commit)) {
    if (entry.type === 'file') {
      if (txn.repo.hasObject('file', entry.checksum)) continue;
      const file = from.loadFile(entry.checksum);
      txn.writeContent(file.header, file.read(), entry.checksum);
    } else {
      txn.writeMetadata('dirtree', from.loadMetadata('dirtree', entry.checksum), entry.checksum);
      txn.writeMetadata('dirmeta', from.loadMetadata('dirmeta', entry.meta), entry.meta);
    }
  }
  txn.writeMetadata('commit', from.loadCommitBytes(commit), commit);
}
