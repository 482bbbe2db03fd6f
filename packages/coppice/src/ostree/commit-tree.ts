import { CoppiceError } from '@coppice/base';
import type { CommitModifier, MutableTree, Transaction } from '@coppice/ostree';
import { addCommitTree } from './commit-ref.ts';
import type { OstreeCall } from './verb.ts';

/** One `--tree=TYPE=VALUE`. */
export interface TreeSource {
  readonly type: 'dir' | 'tar' | 'ref';
  readonly value: string;
}

/** What to commit: every --tree in turn, else the operand, else the current directory. */
export function treeSources({ options, operands, context }: OstreeCall): TreeSource[] {
  const given = options.strings('tree');
  if (given.length === 0) return [{ type: 'dir', value: operands[0] ?? context.cwd }];
  return given.map((text) => {
    const at = text.indexOf('=');
    if (at < 0) throw new CoppiceError('Usage', `Missing type in tree specification '${text}'`);
    const type = text.slice(0, at);
    if (type !== 'dir' && type !== 'tar' && type !== 'ref') {
      throw new CoppiceError('Usage', `Invalid tree type specification '${type}'`);
    }
    return { type, value: text.slice(at + 1) };
  });
}

/** Adds one source to the tree. */
export async function addSource(
  call: OstreeCall,
  transaction: Transaction,
  tree: MutableTree,
  source: TreeSource,
  modifier: CommitModifier,
): Promise<void> {
  const { repo } = call;
  if (source.type === 'dir') transaction.writeDirectory(source.value, tree, modifier);
  else if (source.type === 'ref') addCommitTree(transaction, repo.resolveRev(source.value), tree, modifier);
  else {
    const { importTar } = await import('./commit-tar.ts');
    await importTar(call, transaction, tree, source.value, modifier);
  }
}
