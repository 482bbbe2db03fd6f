// A base tree with packages added, replaced and removed: files, scripts, owners, tmpfiles, package database. The result is a
// tree in the repository; who calls gives it a commit.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError, prefixError } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import type { Transaction } from '@coppice/ostree';
import { type Header, type InstalledPackage, installedHeader, packageFiles } from '@coppice/rpm';
import type { ImportedPackage } from '../import/package-commit.ts';
import { formatNevra, type Nevra } from '../nevra.ts';
import { nevraOfInstalled, TreeDatabase } from '../rpmdb.ts';
import { checkoutTree, onlyAdds } from '../tree/checkout-tree.ts';
import { ImageTree } from '../tree/image-tree.ts';
import { wrapPrograms, wrappedPrograms } from './cliwrap.ts';
import { FileColors } from './file-colors.ts';
import { regenerateInitramfs } from './initramfs.ts';
import { copyKernel, findTreeKernel, kernelCopies, placeKernel, removeKernelCopies } from './kernel.ts';
import { type MergeMode, mergePackage, removePackages } from './merge.ts';
import { orderPackages } from './order.ts';
import { applyOwnership, OwnerNames, ownersOfTree } from './ownership.ts';
import { imageFiles } from './package-files.ts';
import { policyOfTree, relabelTree } from './relabel.ts';
import { type ScriptPackage, ScriptRunner, type ScriptSurroundings } from './run-scripts.ts';
import { checkTriggers, fileTriggersOf, scriptOf } from './script.ts';
import { moveModuleStore } from './selinux-store.ts';
import { type InstallChoice, notInstalled, skippedFiles, skippedPaths } from './skipped-files.ts';
import { makeAccounts, wantsAccounts } from './sysusers.ts';
import { writeAutovar } from './tmpfiles.ts';

export interface LayerPackage {
  readonly pkg: ImportedPackage;
  /** Replaces what is there instead of failing on it. */
  readonly force?: boolean;
}

export interface LayerOptions extends ScriptSurroundings {
  readonly add: readonly LayerPackage[];
  /** Packages of the base that go, because they are removed or because one of `add` replaces them. */
  readonly gone: readonly Nevra[];
  /** A directory that shows the base tree (a deployment of it), so that scripts need no checkout. */
  readonly baseDir?: string;
  /** Seconds since the epoch, written into the package database. */
  readonly installTime: number;
  /** Text of the step that puts the files together. */
  readonly checkoutStep?: string;
  /** False leaves SELinux labels to the caller. */
  readonly relabel?: boolean;
  /** Leave the kernel where its package puts it: the caller postprocesses the tree. */
  readonly keepKernelInPlace?: boolean;
  /** Make a new initramfs, with these arguments for dracut. */
  readonly initramfs?: { readonly args: readonly string[] };
  /** Paths of a package that are left out although the database says they are there; undefined for none. */
  readonly exclude?: (pkg: Nevra) => ((path: string) => boolean) | undefined;
  /** Files that are not installed. */
  readonly choice?: InstallChoice;
  /** Programs to put behind wrappers, beside those that are already. */
  readonly cliwrap?: readonly string[];
  /** Make accounts of sysusers.d also where the tree's rpm does not. */
  readonly forceSysusers?: boolean;
}

/** Nothing is left out. */
const everything: InstallChoice = { langs: [], nodocs: false };

const sameNevra = (a: Nevra, b: Nevra): boolean => formatNevra(a) === formatNevra(b);

function mergeModeOf(entry: LayerPackage): MergeMode {
  if (entry.force === true) return 'union';
  return entry.pkg.nevra.name === 'setup' ? 'add' : 'identical';
}

class Layering {
  readonly #txn: Transaction;
  readonly #tree: ImageTree;
  readonly #base: ImageTree;
  readonly #options: LayerOptions;
  readonly #packages: ImportedPackage[];
  #colors: FileColors | undefined;
  #checkouts = 0;

  constructor(txn: Transaction, tree: ImageTree, base: ImageTree, options: LayerOptions) {
    this.#txn = txn;
    this.#tree = tree;
    this.#base = base;
    this.#options = options;
    const ordered = orderPackages(options.add.map((e) => e.pkg));
    const first = ordered.filter((p) => p.nevra.name === 'filesystem');
    this.#packages = [...first, ...ordered.filter((p) => p.nevra.name !== 'filesystem')];
  }

  #step<T>(step: string, body: () => T): T {
    this.#options.progress({ type: 'begin', step });
    const out = body();
    this.#options.progress({ type: 'end', step });
    return out;
  }

  files(installed: readonly InstalledPackage[]): void {
    const { gone, add } = this.#options;
    const going = installed.filter((p) => gone.some((g) => sameNevra(nevraOfInstalled(p), g)));
    if (going.length > 0)
      removePackages(
        this.#tree,
        going.map((p) => p.header),
        installed.filter((p) => !going.includes(p)).map((p) => p.header),
      );
    const staying = installed.filter((p) => !going.includes(p)).map((p) => p.header);
    const colors = new FileColors(this.#tree, staying);
    this.#colors = colors;
    const forced = new Set(add.filter((e) => e.force === true).map((e) => e.pkg));
    const entries = new Map(add.map((e) => [e.pkg, e]));
    for (const pkg of [...this.#packages.filter((p) => !forced.has(p)), ...forced]) {
      const exclude = this.#exclusion(pkg);
      try {
        mergePackage(this.#tree, pkg, {
          mode: mergeModeOf(entries.get(pkg)!),
          choose: (path) => colors.choose(pkg.header, path),
          ...(exclude === undefined ? {} : { exclude }),
        });
      } catch (error) {
        throw prefixError(error, `Checking out package ${pkg.nevra.name}`);
      }
      colors.add(pkg.header);
    }
  }

  #exclusion(pkg: ImportedPackage): ((path: string) => boolean) | undefined {
    const removed = this.#options.exclude?.(pkg.nevra);
    const skipped = skippedPaths(pkg.header, skippedFiles(pkg.header, this.#options.choice ?? everything));
    if (skipped.size === 0) return removed;
    return (path) => skipped.has(path) || removed?.(path) === true;
  }

  /** States of a package's files for the database; undefined when all are there. */
  #states(header: Header): number[] | undefined {
    const states = this.#colors?.states(header);
    const skipped = skippedFiles(header, this.#options.choice ?? everything);
    if (skipped.size === 0) return states;
    return packageFiles(header).map(({ index }) => (skipped.has(index) ? notInstalled : (states?.[index] ?? 0)));
  }

  /** Directories that show the current tree to scripts. */
  #lower(): string[] {
    const { scratch, baseDir } = this.#options;
    const dir = join(scratch, `tree-${this.#checkouts++}`);
    if (baseDir !== undefined && onlyAdds(this.#tree.root, this.#base.root)) {
      checkoutTree(this.#tree, dir, { without: this.#base });
      return [dir, baseDir];
    }
    checkoutTree(this.#tree, dir);
    return [dir];
  }

  #needsScripts(headers: readonly Header[], paths: readonly string[]): boolean {
    for (const pkg of this.#packages) {
      checkTriggers(pkg.header);
      for (const kind of ['prein', 'postin', 'posttrans'] as const)
        if (scriptOf(pkg.header, kind, this.#options) !== undefined) return true;
    }
    return headers.some((h) =>
      fileTriggersOf(h).some((t) => paths.some((p) => t.patterns.some((x) => p.startsWith(x)))),
    );
  }

  async scripts(installed: readonly InstalledPackage[]): Promise<void> {
    if (this.#options.forceSysusers === true || wantsAccounts(this.#tree, this.#packages))
      this.#step('Running systemd-sysusers', () => makeAccounts(this.#txn, this.#tree, this.#packages));
    const headers = [...installed.map((p) => p.header), ...this.#packages.map((p) => p.header)];
    const paths = this.#packages.flatMap((p) => Array.from(imageFiles(p.header), (f) => f.path));
    if (!this.#needsScripts(headers, paths)) {
      this.#owners(() => ownersOfTree(this.#tree));
      return;
    }
    const runner = new ScriptRunner(this.#tree, this.#options, this.#lower());
    const upgraded = new Set(this.#options.gone.map((g) => g.name));
    const packages = this.#packages.map(
      (pkg): ScriptPackage => ({ pkg, argument: upgraded.has(pkg.nevra.name) ? 2 : 1 }),
    );
    runner.enter();
    await runner.phase(packages, 'prein');
    if (this.#owners(() => this.#ownersInScratch(runner))) runner.setLower(this.#lower());
    await runner.phase(packages, 'postin');
    await runner.phase(packages, 'posttrans');
    await runner.fileTriggers(headers, paths);
    await runner.sanityCheck();
    runner.leave(this.#txn);
  }

  /** A replaced kernel takes everything of the old one with it; then a missing or unwanted initramfs is made anew. */
  async kernel(goingHeaders: readonly Header[]): Promise<void> {
    const isKernel = (path: string): boolean =>
      /^usr\/lib\/modules\/[^/]+\/vmlinuz$|^usr\/lib\/ostree-boot\/vmlinuz-/.test(path);
    const paths = (headers: readonly Header[]): string[] =>
      headers.flatMap((h) => Array.from(imageFiles(h), (f) => f.path).filter(isKernel));
    const gone = paths(goingHeaders);
    const fresh = paths(this.#packages.map((p) => p.header));
    for (const path of gone) {
      const version = /^usr\/lib\/modules\/([^/]+)\//.exec(path)?.[1];
      if (version !== undefined && !fresh.some((f) => f.includes(`/${version}/`)))
        this.#tree.remove(`usr/lib/modules/${version}`);
    }
    if (fresh.length === 0 && this.#options.initramfs === undefined) {
      if (gone.length > 0) removeKernelCopies(this.#tree);
      return;
    }
    // Copies for old boot code are of the old kernel or initramfs: they go before the new kernel is looked for.
    const copies = kernelCopies(this.#tree);
    removeKernelCopies(this.#tree);
    await this.#bootFiles(fresh.length > 0);
    if (copies.length > 0) copyKernel(this.#tree, copies);
  }

  async #bootFiles(replaced: boolean): Promise<void> {
    const kernel = replaced ? placeKernel(this.#txn, this.#tree) : findTreeKernel(this.#tree);
    if (this.#options.initramfs === undefined && kernel?.initramfs !== undefined) return;
    this.#options.progress({ type: 'begin', step: 'Generating initramfs' });
    await regenerateInitramfs(this.#txn, this.#tree, {
      env: this.#options.env,
      scratch: this.#options.scratch,
      lower: this.#lower(),
      args: this.#options.initramfs?.args ?? [],
      ...(this.#options.sourceDateEpoch === undefined ? {} : { sourceDateEpoch: this.#options.sourceDateEpoch }),
      ...(this.#options.signal === undefined ? {} : { signal: this.#options.signal }),
    });
    this.#options.progress({ type: 'end', step: 'Generating initramfs' });
  }

  #ownersInScratch(runner: ScriptRunner): OwnerNames {
    const names = new OwnerNames();
    const read = (path: string): string | undefined => {
      try {
        return this.#options.fs.lstat(path) === undefined ? undefined : readText(this.#options.fs, path);
      } catch {
        return undefined;
      }
    };
    names.add(read(join(runner.scratch, 'etc/passwd')), read(join(runner.scratch, 'etc/group')));
    names.add(this.#tree.readText('usr/lib/passwd'), this.#tree.readText('usr/lib/group'));
    names.add(this.#tree.readText('usr/etc/passwd'), this.#tree.readText('usr/etc/group'));
    return names;
  }

  /** Applies the owners of all packages; true when a file or directory changed hands. */
  #owners(names: () => OwnerNames): boolean {
    let known: OwnerNames | undefined;
    const lazy = (): OwnerNames => {
      known ??= names();
      return known;
    };
    for (const pkg of this.#packages) applyOwnership(this.#txn, this.#tree, pkg, lazy);
    return known !== undefined;
  }

  database(taken: TreeDatabase, installed: readonly InstalledPackage[]): Nevra[] {
    const { gone, installTime } = this.#options;
    taken.db.transaction(() => {
      for (const p of installed) if (gone.some((g) => sameNevra(nevraOfInstalled(p), g))) taken.db.remove(p.hnum);
      for (const pkg of this.#packages) {
        const states = this.#states(pkg.header);
        const facts = { installTime, tid: installTime, ...(states === undefined ? {} : { states }) };
        taken.db.add(installedHeader(pkg.header, pkg.signature, facts));
      }
    });
    const now = taken.installed().map(nevraOfInstalled);
    taken.put(this.#txn, this.#tree);
    return now;
  }

  async run(): Promise<Nevra[]> {
    const { scratch, checkoutStep } = this.#options;
    mkdirSync(scratch, { recursive: true });
    const taken = TreeDatabase.take(this.#tree, scratch, true)!;
    try {
      const installed = taken.installed();
      for (const g of this.#options.gone)
        if (!installed.some((p) => sameNevra(nevraOfInstalled(p), g)))
          throw new CoppiceError('NotFound', `Package ${formatNevra(g)} is not installed`);
      this.#step(checkoutStep ?? 'Checking out packages', () => this.files(installed));
      moveModuleStore(this.#txn, this.#tree);
      const staying = installed.filter((p) => !this.#options.gone.some((g) => sameNevra(nevraOfInstalled(p), g)));
      await this.scripts(staying);
      if (this.#options.keepKernelInPlace !== true) {
        const going = installed.filter((p) => !staying.includes(p)).map((p) => p.header);
        await this.kernel(going);
      }
      // Packages may have brought a program that was behind a wrapper anew.
      const wrapped = new Set([...wrappedPrograms(this.#base), ...(this.#options.cliwrap ?? [])]);
      wrapPrograms(this.#txn, this.#tree, [...wrapped]);
      writeAutovar(this.#txn, this.#tree);
      const packages = this.#step('Writing rpmdb', () => this.database(taken, installed));
      if (this.#options.relabel !== false && policyOfTree(this.#tree) !== undefined)
        this.#step('Relabeling', () => relabelTree(this.#txn, this.#tree, this.#base));
      return packages;
    } finally {
      taken.done();
    }
  }
}

function readText(fs: ScriptSurroundings['fs'], path: string): string {
  const fd = fs.open(path, 0);
  try {
    const size = fs.fstat(fd).size;
    const out = Buffer.alloc(Math.min(size, 16 * 1024 * 1024));
    let at = 0;
    while (at < out.length) {
      const n = fs.read(fd, out, at, out.length - at, at);
      if (n === 0) break;
      at += n;
    }
    return out.subarray(0, at).toString();
  } finally {
    fs.close(fd);
  }
}

/**
 * Changes `tree` (a copy of a base) in place; the caller writes it. Returns the packages it has then. Throws `Conflict` for
 * files that two packages claim, `Process` for a script that fails, `Unsupported` for one that cannot run.
 */
export async function layerPackages(txn: Transaction, tree: ImageTree, options: LayerOptions): Promise<Nevra[]> {
  const base = new ImageTree(tree.repo, tree.root.copy());
  try {
    return await new Layering(txn, tree, base, options).run();
  } finally {
    removeTree(options.scratch, options.fs);
  }
}
