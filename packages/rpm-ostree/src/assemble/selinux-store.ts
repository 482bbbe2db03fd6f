// Where the modules of an SELinux policy are: beside the policy in /etc, since an image has nothing in /var.
import type { Transaction } from '@coppice/ostree';
import type { ImageTree } from '../tree/image-tree.ts';

const configuration = 'usr/etc/selinux/semanage.conf';
const line = '\nstore-root=/etc/selinux\n';

/** Tells libsemanage of the tree; does nothing where it has been told or there is none. */
export function moveModuleStore(txn: Transaction, tree: ImageTree): void {
  const text = tree.readText(configuration);
  if (text !== undefined && !text.includes(line)) tree.writeFile(txn, configuration, `${text}${line}`);
}
