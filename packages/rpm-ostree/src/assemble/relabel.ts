// SELinux labels of a tree, from the policy inside it: everything that is new against the base, or everything when the policy
// itself changed.
import { checkPathComponent } from '@coppice/base';
import type { Transaction, Xattr } from '@coppice/ostree';
import { LabelPolicy, parseFileContexts, parseSelinuxConfig, parseSubstitutions, treeLabel } from '@coppice/selinux';
import type { TreeDirectory } from '../tree/directory.ts';
import type { ImageTree } from '../tree/image-tree.ts';

const policyDir = 'usr/etc/selinux';
const attribute = 'security.selinux';

/** The policy of a tree; undefined when it has none or it is disabled. Throws `Invalid` on broken files. */
export function policyOfTree(tree: ImageTree): LabelPolicy | undefined {
  const text = (path: string): string => tree.readText(tree.resolve(path, true)) ?? '';
  const config = parseSelinuxConfig(text(`${policyDir}/config`));
  if (!config.enabled || config.type === undefined || config.type === '') return undefined;
  const files = `${policyDir}/${checkPathComponent(config.type, 'SELINUXTYPE')}/contexts/files`;
  const specs = ['file_contexts', 'file_contexts.homedirs', 'file_contexts.local'].flatMap((name) =>
    parseFileContexts(text(`${files}/${name}`), name),
  );
  if (specs.length === 0) return undefined;
  return new LabelPolicy({
    name: config.type,
    specs,
    substitutions: parseSubstitutions(text(`${files}/file_contexts.subs`)),
    distributionSubstitutions: parseSubstitutions(text(`${files}/file_contexts.subs_dist`)),
  });
}

function withLabel(xattrs: readonly Xattr[], context: string | undefined): readonly Xattr[] | undefined {
  if (context === undefined) return undefined;
  const value = Buffer.from(`${context}\0`);
  const there = xattrs.find((x) => x.name === attribute);
  if (there !== undefined && value.equals(there.value)) return undefined;
  return [...xattrs.filter((x) => x.name !== attribute), { name: attribute, value }].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

class Relabeling {
  readonly #txn: Transaction;
  readonly #tree: ImageTree;
  readonly #policy: LabelPolicy;
  /** /usr/etc is labelled as /etc, without asking the policy about that. */
  readonly #etc: boolean;
  /** Content with a label, by content checksum and label: the same file in two places is written once. */
  readonly #known = new Map<string, string>();
  count = 0;

  constructor(txn: Transaction, tree: ImageTree, policy: LabelPolicy, etc: boolean) {
    this.#txn = txn;
    this.#etc = etc;
    this.#tree = tree;
    this.#policy = policy;
  }

  #label(path: string, mode: number): string | undefined {
    const shown = this.#etc ? path.replace(/^usr\/etc(?=\/|$)/, 'etc') : path;
    return treeLabel(this.#policy, shown === '' ? '/' : `/${shown}`, mode);
  }

  #file(dir: TreeDirectory, name: string, checksum: string, path: string): void {
    const { header } = this.#tree.header(checksum);
    const context = this.#label(path, header.mode);
    const xattrs = withLabel(header.xattrs, context);
    if (xattrs === undefined) return;
    const key = `${checksum}\0${context}`;
    let next = this.#known.get(key);
    if (next === undefined) {
      next = this.#txn.writeContent({ ...header, xattrs }, this.#tree.repo.loadFile(checksum).read());
      this.#known.set(key, next);
    }
    dir.setFile(name, next);
    this.count += 1;
  }

  directory(dir: TreeDirectory, base: TreeDirectory | undefined, path: string): void {
    const same = dir.stored;
    if (
      same !== undefined &&
      base?.stored !== undefined &&
      same.tree === base.stored.tree &&
      same.meta === base.stored.meta
    )
      return;
    const xattrs = withLabel(dir.meta.xattrs, this.#label(path, dir.meta.mode));
    if (xattrs !== undefined) dir.meta = { ...dir.meta, xattrs };
    const lead = path === '' ? '' : `${path}/`;
    for (const [name, checksum] of [...dir.files])
      if (base?.files.get(name) !== checksum) this.#file(dir, name, checksum, lead + name);
    for (const [name, child] of dir.dirs) this.directory(child, base?.dirs.get(name), lead + name);
  }
}

/**
 * Labels the tree; returns how many files got another label. Without a policy in the tree nothing happens. `version` 1 (what
 * nodes do) labels /usr/etc as /etc; 0 leaves that to the policy's substitutions.
 */
export function relabelTree(
  txn: Transaction,
  tree: ImageTree,
  base: ImageTree | undefined,
  version: 0 | 1 = 1,
): number {
  const policy = policyOfTree(tree);
  if (policy === undefined) return 0;
  const mine = tree.lookup(policyDir);
  const old = base?.lookup(policyDir);
  const samePolicy =
    mine?.type === 'directory' &&
    old?.type === 'directory' &&
    mine.dir.stored !== undefined &&
    mine.dir.stored.tree === old.dir.stored?.tree;
  const work = new Relabeling(txn, tree, policy, version === 1);
  work.directory(tree.root, samePolicy ? base?.root : undefined, '');
  return work.count;
}
