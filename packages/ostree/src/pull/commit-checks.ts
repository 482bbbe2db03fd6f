import { CoppiceError, prefixError } from '@coppice/base';
import type { VariantDict } from '@coppice/gvariant';
import type { Keyring, VerifyResult } from '@coppice/signing';
import { type Commit, parseCommit } from '../codec/commit.ts';
import type { Repo } from '../repo.ts';
import type { Verifier } from '../sign/engine-keys.ts';
import { verifyWithEngines } from '../sign/engine-verify.ts';
import { gpgSignatures, requireValidGpg, verifyGpg } from '../sign/gpg.ts';
import { formatDate } from '../sign/gpg-text.ts';

/** Which signatures a remote's commits must have. */
export interface SignatureDemands {
  /** Undefined: no GPG check. */
  readonly keyring: (() => Keyring) | undefined;
  readonly verifiers: readonly Verifier[] | undefined;
}

/** Checks a commit's detached signatures, before it is stored; errors of engines do not name one that just came. Throws `Signature`. */
export function checkCommitSignatures(
  repo: Repo,
  commit: string,
  bytes: Uint8Array,
  detached: VariantDict | undefined,
  demands: SignatureDemands,
  cameNow = false,
): { gpg: VerifyResult[] | undefined; engine: string | undefined } {
  let engine: string | undefined;
  let gpg: VerifyResult[] | undefined;
  if (demands.verifiers !== undefined) {
    if (detached === undefined) throw new CoppiceError('Signature', `Can't verify commit without detached metadata`);
    try {
      engine = verifyWithEngines(demands.verifiers, bytes, detached);
    } catch (error) {
      throw prefixError(error, cameNow ? `Can't verify commit` : `Can't verify commit ${commit}`);
    }
  }
  if (demands.keyring !== undefined) {
    try {
      // Keys are looked for where there is something to check.
      const some = gpgSignatures(detached).length > 0;
      gpg = some ? verifyGpg(bytes, detached, demands.keyring(), repo.clock) : [];
      requireValidGpg(gpg);
    } catch (error) {
      throw prefixError(error, `Commit ${commit}`);
    }
  }
  return { gpg, engine };
}

function quoteList(names: readonly string[]): string {
  return names.map((name) => `‘${name}’`).join(', ');
}

/** Checks that a commit says it belongs to this ref (and collection). Throws `Invalid`. */
export function checkBindings(commit: Commit, collection: string | undefined, ref: string | undefined): void {
  if (ref !== undefined) {
    const bound = commit.metadata.lookupStrings('ostree.ref-binding');
    if (bound === undefined) {
      if (collection !== undefined)
        throw new CoppiceError('Invalid', 'Expected commit metadata to have ref binding information, found none');
    } else if (!bound.includes(ref)) {
      throw new CoppiceError(
        'Invalid',
        `Commit has no requested ref ‘${ref}’ in ref binding metadata (${bound.length === 0 ? 'none' : quoteList(bound)})`,
      );
    }
  }
  if (collection === undefined) return;
  const bound = commit.metadata.lookupString('ostree.collection-binding');
  if (bound === undefined) {
    throw new CoppiceError('Invalid', 'Expected commit metadata to have collection ID binding information, found none');
  }
  if (bound !== collection) {
    throw new CoppiceError(
      'Invalid',
      `Commit has collection ID ‘${bound}’ in collection binding metadata, while the remote it came from has collection ID ‘${collection}’`,
    );
  }
}

/** Refuses a commit that is older than the one it replaces. Equal times pass. Throws `Conflict`. */
export function checkNotOlder(
  current: string,
  currentBytes: Uint8Array,
  target: string,
  targetBytes: Uint8Array,
): void {
  const before = parseCommit(currentBytes).timestamp;
  const after = parseCommit(targetBytes).timestamp;
  if (after >= before) return;
  throw new CoppiceError(
    'Conflict',
    `Upgrade target revision '${target}' with timestamp '${formatDate(Number(after))}' is chronologically older than ` +
      `current revision '${current}' with timestamp '${formatDate(Number(before))}'; use --allow-downgrade to permit`,
    { data: { current, target } },
  );
}
