import { CoppiceError, prefixError } from '@coppice/base';
import type { CommitModifier } from '@coppice/ostree';
import type { TreeSource } from './commit-tree.ts';
import type { OstreeCall } from './verb.ts';

/** The labelling part of the modifier for --selinux-policy and --selinux-policy-from-base. */
export async function selinuxLabels(
  call: OstreeCall,
  sources: readonly TreeSource[],
  base: string | undefined,
): Promise<CommitModifier> {
  const given = call.options.string('selinux-policy');
  if (given === undefined && !call.options.flag('selinux-policy-from-base')) return {};
  if (given !== undefined && call.options.flag('selinux-policy-from-base'))
    throw new CoppiceError('Usage', 'Cannot specify both --selinux-policy and --selinux-policy-from-base');
  const { policyOfRoot, policyOfCommit } = await import('./selinux-policy.ts');
  const first = sources[0];
  const label =
    given !== undefined
      ? policyOfRoot(call, given)
      : base !== undefined
        ? policyOfCommit(call, base)
        : first?.type === 'dir'
          ? policyOfRoot(call, first.value)
          : first?.type === 'ref'
            ? prefixed(() => policyOfCommit(call, first.value))
            : undefined;
  if (first?.type === 'tar' && given === undefined && base === undefined) {
    throw new CoppiceError('Unsupported', 'Cannot use --selinux-policy-from-base with tar');
  }
  return label === undefined ? {} : { label };
}

function prefixed<T>(find: () => T): T {
  try {
    return find();
  } catch (error) {
    throw prefixError(error, 'setting sepolicy from commit');
  }
}
