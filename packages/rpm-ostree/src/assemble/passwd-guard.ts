// Users while scripts run: useradd and its kin edit /etc/passwd, but an image keeps what packages make in /usr/lib/passwd. So the
// scripts see /usr/lib's files as /etc's, and the files of the merge deployment as /usr/lib's.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Transaction } from '@coppice/ostree';
import type { ImageTree } from '../tree/image-tree.ts';

const etcFiles = ['passwd', 'group', 'shadow', 'gshadow', 'subuid', 'subgid'];

/** Users and groups of the running system (its /etc), seen by scripts so that they make no clashing ids. */
export interface LocalUsers {
  readonly passwd: string;
  readonly group: string;
}

function put(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
}

/** Fills the scratch /etc and /usr/lib before the first script. */
export function enterPasswdGuard(tree: ImageTree, scratch: string, local: LocalUsers | undefined): void {
  for (const name of ['passwd', 'group']) {
    const lib = tree.readText(`usr/lib/${name}`);
    if (lib === undefined) continue;
    put(join(scratch, 'etc', name), lib, 0o644);
    const own = name === 'passwd' ? local?.passwd : local?.group;
    put(join(scratch, 'usr/lib', name), own ?? tree.readText(`usr/etc/${name}`) ?? '', 0o644);
  }
}

/**
 * After the last script: what is in the scratch /etc becomes /usr/lib's in the tree, and no trace of the exchange stays in
 * the scratch directories. True when users or groups changed.
 */
export function leavePasswdGuard(txn: Transaction, tree: ImageTree, scratch: string): boolean {
  let changed = false;
  for (const name of ['passwd', 'group']) {
    const before = tree.readText(`usr/lib/${name}`);
    if (before === undefined) continue;
    const path = join(scratch, 'etc', name);
    if (!existsSync(path)) continue;
    const after = readFileSync(path, 'utf8');
    if (after !== before) {
      tree.writeFile(txn, `usr/lib/${name}`, after);
      changed = true;
    }
    rmSync(join(scratch, 'usr/lib', name), { force: true });
  }
  for (const name of etcFiles) {
    // Without /usr/lib/passwd the tree keeps its users in /etc, which the scripts changed in place.
    if (tree.lookup(`usr/lib/${name}`) !== undefined || name.endsWith('shadow') || name.startsWith('sub')) {
      for (const suffix of ['', '-', '.lock', '+']) rmSync(join(scratch, 'etc', name + suffix), { force: true });
    }
  }
  rmSync(join(scratch, 'etc/.pwd.lock'), { force: true });
  return changed;
}
