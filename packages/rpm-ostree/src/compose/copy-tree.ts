// The tree of a commit from one repository into a transaction of another. The commit itself is not copied: nobody there asks for it.
import type { Repo, Transaction } from '@coppice/ostree';

/** Copies what the transaction's repository does not have of a commit's tree. */
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
}
