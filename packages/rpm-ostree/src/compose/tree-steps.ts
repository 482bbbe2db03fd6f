// The parts of a compose that change the tree beyond its packages: layers of other commits, added files, the treefile's scripts.
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { removeTree } from '@coppice/linux';
import type { Repo, Transaction } from '@coppice/ostree';
import { collectChanges } from '../assemble/collect-changes.ts';
import { findSandboxTools, prepareScratch, runInSandbox } from '../assemble/sandbox.ts';
import { checkoutTree, ownersOnDisk } from '../tree/checkout-tree.ts';
import { TreeDirectory } from '../tree/directory.ts';
import { ImageTree } from '../tree/image-tree.ts';
import type { Treefile } from '../treefile/treefile.ts';
import { copyTree } from './copy-tree.ts';

function mergeDirectory(dst: TreeDirectory, src: TreeDirectory, path: string, override: boolean, layer: string): void {
  for (const [name, checksum] of src.files) {
    const there = dst.files.get(name);
    if (there === checksum) continue;
    if ((there !== undefined || dst.dirs.has(name)) && !override)
      throw new CoppiceError('Conflict', `Checking out layer ${layer}: File exists: ${path}/${name}`);
    if (dst.dirs.has(name)) dst.remove(name);
    dst.setFile(name, checksum);
  }
  for (const [name, child] of src.dirs) {
    if (dst.files.has(name)) {
      if (!override)
        throw new CoppiceError('Conflict', `Checking out layer ${layer}: Not a directory: ${path}/${name}`);
      dst.remove(name);
    }
    mergeDirectory(dst.ensureDir(name, child.meta), child, `${path}/${name}`, override, layer);
  }
}

/** `ostree-layers` and `ostree-override-layers`: whole trees of other refs (of `from`), with /etc moved to /usr/etc. */
export function mergeLayers(txn: Transaction, tree: ImageTree, treefile: Treefile, from: Repo = tree.repo): void {
  for (const [layers, override] of [
    [treefile.layers, false],
    [treefile.overrideLayers, true],
  ] as const) {
    for (const ref of layers) {
      const commit = from.resolveRev(ref);
      if (from !== tree.repo) copyTree(from, txn, commit);
      const stored = from.loadCommit(commit);
      const layer = new ImageTree(tree.repo, TreeDirectory.stored(tree.repo, stored.tree, stored.meta));
      if (layer.lookup('etc') !== undefined) layer.move('etc', 'usr/etc');
      mergeDirectory(tree.root, layer.root, '', override, ref);
    }
  }
}

/** `add-files`: files of the builder's machine into the tree. */
export function addFiles(txn: Transaction, tree: ImageTree, treefile: Treefile): void {
  for (const { source, target } of treefile.addFiles) {
    const path = target.replace(/^\/+/, '').replace(/^etc\//, 'usr/etc/');
    const stat = statSync(source, { throwIfNoEntry: false });
    if (stat?.isFile() !== true) throw new CoppiceError('NotFound', `Adding file '${source}': No such file`);
    tree.writeFile(txn, tree.resolve(path), { path: source }, { mode: stat.mode & 0o7777 });
  }
}

export interface PostprocessOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fs: FileSystem;
  readonly scratch: string;
  readonly sourceDateEpoch: number;
  readonly signal?: AbortSignal;
}

/** Interpreter of a script: its `#!` line, else the shell. */
function interpreter(script: string): string[] {
  const match = /^#![ \t]*(\S+)(?:[ \t]+(.*))?\n/.exec(script);
  if (match === null) return ['/bin/sh'];
  return match[2] === undefined ? [match[1]!] : [match[1]!, match[2].trim()];
}

/** `postprocess` and `postprocess-script`, each over the tree as the one before left it. */
export async function runPostprocess(
  txn: Transaction,
  tree: ImageTree,
  treefile: Treefile,
  options: PostprocessOptions,
): Promise<void> {
  const scripts = treefile.postprocess.map((text, i) => ({ name: `inline script ${i}`, text }));
  if (treefile.postprocessScript !== undefined)
    scripts.push({ name: treefile.postprocessScript, text: readFileSync(treefile.postprocessScript, 'utf8') });
  if (scripts.length === 0) return;
  const tools = findSandboxTools(options.env);
  for (const [i, { name, text }] of scripts.entries()) {
    const dir = join(options.scratch, `postprocess-${i}`);
    mkdirSync(dir, { recursive: true });
    checkoutTree(tree, join(dir, 'tree'));
    prepareScratch(join(dir, 'scratch'));
    const result = await runInSandbox(
      tools,
      { lower: [join(dir, 'tree')], scratch: join(dir, 'scratch') },
      {
        argv: [...interpreter(text), '/proc/self/fd/5'],
        script: text,
        env: { SOURCE_DATE_EPOCH: String(options.sourceDateEpoch) },
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
    );
    if (result.status !== 0)
      throw new CoppiceError(
        'Process',
        `${result.output.trimEnd()}${result.output === '' ? '' : '\n'}While executing ${name}: Child process exited with code ${result.status ?? result.signal}`,
        {
          data: { output: result.output.slice(-4096) },
        },
      );
    const collect = { fs: options.fs, keepOwners: ownersOnDisk(tree.repo) };
    collectChanges(txn, tree, join(dir, 'scratch/etc'), 'usr/etc', collect);
    collectChanges(txn, tree, join(dir, 'scratch/usr'), 'usr', collect);
    removeTree(dir, options.fs);
  }
}
