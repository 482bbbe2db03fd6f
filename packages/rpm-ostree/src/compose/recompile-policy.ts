// The compiled form of a tree's SELinux policy, made anew by the tree's own semodule after paths were added to its
// substitutions. What the second run notes lets a node see that local modules are all that changed.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import type { Transaction } from '@coppice/ostree';
import { collectChanges } from '../assemble/collect-changes.ts';
import { policyOfTree } from '../assemble/relabel.ts';
import { findSandboxTools, prepareScratch, runInSandbox, type SandboxResult } from '../assemble/sandbox.ts';
import { checkoutTree, ownersOnDisk } from '../tree/checkout-tree.ts';
import type { ImageTree } from '../tree/image-tree.ts';
import type { PostprocessOptions } from './tree-steps.ts';

const program = 'usr/sbin/semodule';
/** The flag that rebuilds only what changed; its name before libsemanage 3.5 and since. */
const refreshFlags = ['--refresh', '--rebuild-if-modules-changed'];

/** Locks are of a running semodule. */
function removeLocks(directory: string): void {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
    if (entry.name.endsWith('.LOCK')) rmSync(join(entry.parentPath, entry.name), { force: true });
}

/** Recompiles the policy of a tree that has one and can. Throws `Process` with what semodule said. */
export async function recompilePolicy(txn: Transaction, tree: ImageTree, options: PostprocessOptions): Promise<void> {
  if (policyOfTree(tree) === undefined || tree.lookup(tree.resolve(program, true)) === undefined) return;
  const dir = join(options.scratch, 'policy');
  const scratch = join(dir, 'scratch');
  mkdirSync(dir, { recursive: true });
  checkoutTree(tree, join(dir, 'tree'));
  prepareScratch(scratch);
  const tools = findSandboxTools(options.env);
  const run = async (...args: string[]): Promise<SandboxResult> =>
    await runInSandbox(
      tools,
      { lower: [join(dir, 'tree')], scratch },
      { argv: [`/${program}`, ...args], ...(options.signal === undefined ? {} : { signal: options.signal }) },
    );
  const must = async (...args: string[]): Promise<void> => {
    const { status, signal, output } = await run(...args);
    if (status === 0) return;
    const said = output.trimEnd().split('\n').at(-1) ?? '';
    throw new CoppiceError(
      'Process',
      `Recompiling policy: semodule: Child process exited with code ${status ?? signal}${said === '' ? '' : `: ${said}`}`,
      { data: { output: output.slice(-4096) } },
    );
  };
  await must('-nB');
  const known = (await run('--help')).output;
  const refresh = refreshFlags.find((flag) => known.includes(flag));
  if (refresh !== undefined) await must('-n', refresh);
  removeLocks(join(scratch, 'etc'));
  const collect = { fs: options.fs, keepOwners: ownersOnDisk(tree.repo) };
  collectChanges(txn, tree, join(scratch, 'etc'), 'usr/etc', collect);
  removeTree(dir, options.fs);
}
