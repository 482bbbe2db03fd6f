import type { CommitModifier, EntryOwnership, FileHeader, MutableTree, Repo, Transaction } from '@coppice/ostree';

const noChange: CommitModifier = {};

/** Adds the tree of a commit to a tree that is being put together, changed by the modifier where there is one. */
export function addCommitTree(
  transaction: Transaction,
  commit: string,
  into: MutableTree,
  modifier: CommitModifier = noChange,
): void {
  const { tree, meta } = transaction.repo.loadCommit(commit);
  new TreeMerge(transaction, modifier).directory('/', tree, meta, into);
}

class TreeMerge {
  readonly #repo: Repo;
  readonly #transaction: Transaction;
  readonly #modifier: CommitModifier;
  /** Nothing is looked at one by one. */
  readonly #plain: boolean;

  constructor(transaction: Transaction, modifier: CommitModifier) {
    this.#repo = transaction.repo;
    this.#transaction = transaction;
    this.#modifier = modifier;
    this.#plain =
      modifier.filter === undefined &&
      modifier.xattrs === undefined &&
      modifier.label === undefined &&
      modifier.skipXattrs !== true &&
      modifier.canonicalPermissions !== true;
  }

  directory(path: string, tree: string, meta: string, into: MutableTree): boolean {
    if (this.#plain && into.fillFromChecksums(this.#repo, tree, meta)) return true;
    const changed = this.#dirmeta(path, meta);
    if (changed === undefined) return false;
    into.setMeta(changed);
    const { files, dirs } = this.#repo.loadDirTree(tree);
    const lead = path === '/' ? '' : path;
    for (const { name, checksum } of files) {
      const content = this.#file(`${lead}/${name}`, checksum);
      if (content !== undefined) into.replaceFile(name, content);
    }
    for (const dir of dirs) {
      const inTree = `${lead}/${dir.name}`;
      if (!this.#plain && this.#dirmeta(inTree, dir.meta) === undefined) continue;
      this.directory(inTree, dir.tree, dir.meta, into.ensureDir(dir.name));
    }
    return true;
  }

  #ownership(path: string, entry: EntryOwnership): EntryOwnership | undefined {
    const filtered = this.#modifier.filter?.(path, entry) ?? 'allow';
    if (filtered === 'skip') return undefined;
    const { uid, gid, mode } = filtered === 'allow' ? entry : filtered;
    if (this.#modifier.canonicalPermissions !== true) return { uid, gid, mode };
    return { uid: 0, gid: 0, mode: (mode & 0o170000) === 0o120000 ? mode : mode & 0o170755 };
  }

  #xattrs(
    path: string,
    entry: EntryOwnership,
    own: FileHeader['xattrs'],
    symlinkTarget?: string,
  ): FileHeader['xattrs'] {
    const { xattrs, label, skipXattrs, canonicalPermissions } = this.#modifier;
    let out = skipXattrs === true || canonicalPermissions === true ? [] : own;
    if (xattrs !== undefined) out = xattrs(path, symlinkTarget === undefined ? entry : { ...entry, symlinkTarget });
    const context = label?.(path, entry.mode);
    if (context === undefined) return out;
    const value = Buffer.from(`${context}\0`);
    return [...out.filter((x) => x.name !== 'security.selinux'), { name: 'security.selinux', value }];
  }

  #dirmeta(path: string, checksum: string): string | undefined {
    if (this.#plain) return checksum;
    const meta = this.#repo.loadDirMeta(checksum);
    const entry = this.#ownership(path, meta);
    if (entry === undefined) return undefined;
    return this.#transaction.writeDirMeta({ ...entry, xattrs: this.#xattrs(path, entry, meta.xattrs) });
  }

  #file(path: string, checksum: string): string | undefined {
    if (this.#plain) return checksum;
    const file = this.#repo.loadFile(checksum);
    const entry = this.#ownership(path, file.header);
    if (entry === undefined) return undefined;
    const xattrs = this.#xattrs(path, entry, file.header.xattrs, file.header.symlinkTarget);
    const { symlinkTarget } = file.header;
    return this.#transaction.writeContent({ ...entry, symlinkTarget, xattrs }, file.read());
  }
}
