import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import { signEngine } from '@coppice/signing';
import type { Commit } from '../codec/commit.ts';
import type { Repo } from '../repo.ts';
import { engineSignatures } from './engine-verify.ts';

/**
 * The commit whose ed25519 signature vouches for a deployment of `checksum`: that commit, or, when it was made from a
 * container and has no signature, its parent. Throws `Signature` unless one of the raw `keys` made one of the signatures
 * (otcore-prepare-root.c).
 */
export function boundCommit(repo: Repo, checksum: string, keys: readonly Uint8Array[]): Commit {
  const engine = signEngine('ed25519');
  let signer = checksum;
  let detached: ReturnType<Repo['loadDetachedMetadata']>;
  let commit: Commit;
  try {
    commit = repo.loadCommit(checksum);
    detached = repo.loadDetachedMetadata(checksum);
    if (detached === undefined && commit.metadata.lookup('ostree.container.image-config', 's') !== undefined) {
      const parent = commit.parent;
      if (parent !== undefined && repo.hasObject('commit', parent)) {
        signer = parent;
        commit = repo.loadCommit(parent);
        detached = repo.loadDetachedMetadata(parent);
      }
    }
  } catch (error) {
    throw prefixError(errnoError(error, 'open'), 'Error loading signatures from repo');
  }
  if (detached === undefined) throw new CoppiceError('Signature', `No commitmeta for deploy ${checksum}`);
  const signatures = engineSignatures(engine, detached);
  if (signatures === undefined)
    throw new CoppiceError('Signature', 'Signature validation requested, but no signatures in commit');
  const data = repo.loadCommitBytes(signer);
  const failed = (why: string): CoppiceError => new CoppiceError('Signature', `Checking commit signature: ${why}`);
  for (const key of keys)
    for (const signature of signatures) {
      const wrong = 'signature verification failed: Invalid';
      if (key.length !== 32) throw failed(`${wrong} public key of ${key.length} expected 32`);
      if (signature.length !== 64) throw failed(`${wrong} signature length of ${signature.length} bytes, expected 64`);
      if (engine.verify(key, data, signature)) return commit;
    }
  throw failed(`No valid (of ${signatures.length}) signatures found`);
}
