// A new initramfs for a tree's kernel, made by the tree's own dracut.
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import type { Transaction } from '@coppice/ostree';
import type { ImageTree } from '../tree/image-tree.ts';
import { realProgram } from './cliwrap.ts';
import { withDevices } from './device-cpio.ts';
import { findTreeKernel } from './kernel.ts';
import { findSandboxTools, prepareScratch, runInSandbox } from './sandbox.ts';

export interface InitramfsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Our own directory. */
  readonly scratch: string;
  /** Directories that show the tree. */
  readonly lower: readonly string[];
  /** dracut's arguments; default `--no-hostonly`. */
  readonly args: readonly string[];
  readonly sourceDateEpoch?: number;
  readonly signal?: AbortSignal;
}

/** The upper directory of the sandbox: what its commands wrote to /usr. */
const upper = (scratch: string): string => join(scratch, 'usr');

/**
 * Indexes the kernel's modules, which its package leaves to a script that does not run here. The indexes go into the tree;
 * dracut, run over the same scratch, sees them too. Trees without depmod keep what they have.
 */
async function indexModules(
  txn: Transaction,
  tree: ImageTree,
  version: string,
  scratch: string,
  options: InitramfsOptions,
): Promise<void> {
  const program = ['usr/sbin/depmod', 'usr/bin/depmod'].find((p) => tree.lookup(tree.resolve(p, true)) !== undefined);
  if (program === undefined) return;
  const result = await runInSandbox(
    findSandboxTools(options.env),
    { lower: options.lower, scratch },
    { argv: [`/${program}`, '-a', version], ...(options.signal === undefined ? {} : { signal: options.signal }) },
  );
  if (result.status !== 0)
    throw new CoppiceError('Process', `depmod: Child process exited with code ${result.status ?? result.signal}`, {
      data: { output: result.output.slice(-4096) },
    });
  const modules = `lib/modules/${version}`;
  const made = join(upper(scratch), modules);
  if (!existsSync(made)) return;
  for (const name of readdirSync(made).sort()) {
    const path = join(made, name);
    if (name.startsWith('modules.') && lstatSync(path).isFile())
      tree.writeFile(txn, `usr/${modules}/${name}`, readFileSync(path), { mode: 0o644 });
  }
}

/** Regenerates `usr/lib/modules/KVER/initramfs.img` and the indexes of modules. Throws `Unsupported` without dracut, `Process` when it fails. */
export async function regenerateInitramfs(txn: Transaction, tree: ImageTree, options: InitramfsOptions): Promise<void> {
  const kernel = findTreeKernel(tree);
  if (kernel === undefined) throw new CoppiceError('NotFound', 'Failed to find a kernel in the tree');
  const dracut = realProgram(tree, 'usr/bin/dracut');
  if (tree.lookup(tree.resolve(dracut, true)) === undefined)
    throw new CoppiceError(
      'Unsupported',
      'Missing /usr/bin/dracut in the tree, which regenerating the initramfs needs',
    );
  const scratch = join(options.scratch, 'dracut');
  prepareScratch(scratch);
  await indexModules(txn, tree, kernel.version, scratch, options);
  const out = join(scratch, 'out');
  mkdirSync(out, { recursive: true });
  const result = await runInSandbox(
    findSandboxTools(options.env),
    { lower: options.lower, scratch },
    {
      argv: [
        `/${dracut}`,
        '--reproducible',
        '-v',
        '--add',
        'ostree',
        '--tmpdir=/tmp/dracut',
        '-f',
        '/tmp/dracut/initramfs.img',
        ...(options.args.length === 0 ? ['--no-hostonly'] : options.args),
        '--kver',
        kernel.version,
      ],
      bwrapArguments: ['--bind', out, '/tmp/dracut'],
      env: options.sourceDateEpoch === undefined ? {} : { SOURCE_DATE_EPOCH: String(options.sourceDateEpoch) },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  );
  const image = join(out, 'initramfs.img');
  if (result.status !== 0 || !existsSync(image))
    throw new CoppiceError(
      'Process',
      `Generating initramfs: dracut: Child process exited with code ${result.status ?? result.signal}`,
      {
        data: { output: result.output.slice(-4096) },
      },
    );
  tree.writeFile(txn, `usr/lib/modules/${kernel.version}/initramfs.img`, withDevices(readFileSync(image)), {
    mode: 0o600,
  });
}
