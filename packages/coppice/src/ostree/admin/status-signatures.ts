import { CoppiceError, isCoppiceError, prefixError } from '@coppice/base';
import {
  commitGpgResults,
  describeGpgResult,
  findRemote,
  gpgSignatures,
  parseRefspec,
  type Repo,
  remoteVerifiers,
  requireValidGpg,
  verificationKeyring,
  verifyWithEngines,
} from '@coppice/ostree';
import type { DeploymentStatus, Sysroot } from '@coppice/sysroot';

/** The lines about the signatures of a deployment's commit; none when its remote asks for none or it has none. */
export function signatureLines(sysroot: Sysroot, status: DeploymentStatus, old: boolean): string {
  const { repo } = sysroot;
  if (status.refspec === null || !repo.hasObject('commit', status.checksum)) return '';
  let remote: string | undefined;
  try {
    remote = parseRefspec(status.refspec).remote;
  } catch (error) {
    if (isCoppiceError(error)) return '';
    throw error;
  }
  if (remote === undefined || findRemote(repo, remote)?.boolean('gpg-verify', true) !== true) return '';
  if (!old) {
    if (gpgSignatures(repo.loadDetachedMetadata(status.checksum)).length === 0)
      throw new CoppiceError(
        'Signature',
        `Deployment ${status.index}: GPG verification enabled, but no signatures found (use gpg-verify=false in remote config to disable)`,
      );
    return gpgLines(repo, status.checksum, remote);
  }
  // ot-admin-builtin-status.c hands the stateroot's name where the remote's is wanted, so signatures are shown only when a
  // remote of that name exists, and are checked with its keys.
  if (findRemote(repo, status.stateroot) === undefined) return '';
  if (gpgSignatures(repo.loadDetachedMetadata(status.checksum)).length === 0) return '';
  return gpgLines(repo, status.checksum, status.stateroot);
}

function gpgLines(repo: Repo, checksum: string, remote: string): string {
  return commitGpgResults(repo, checksum, verificationKeyring(repo, remote))
    .map((result) => describeGpgResult(result, '    GPG: '))
    .join('');
}

/**
 * For `--verify`: what the checks that the remote asks for say about the commit. Throws with the original's words when there is
 * nothing to verify against, and `Signature` when a check fails.
 */
export function verificationText(sysroot: Sysroot, status: DeploymentStatus): string {
  const { repo } = sysroot;
  if (!status.hasOrigin) throw new CoppiceError('NotFound', 'Cannot verify deployment with no origin');
  if (status.refspec === null) throw new CoppiceError('NotFound', 'No origin/refspec, cannot verify');
  const name = parseRefspec(status.refspec).remote;
  if (name === undefined) throw new CoppiceError('NotFound', 'Cannot verify deployment without remote');
  const detached = repo.loadDetachedMetadata(status.checksum);
  if (detached === undefined) throw new CoppiceError('Signature', "Can't verify commit without detached metadata");
  const remote = findRemote(repo, name);
  if (remote === undefined) throw new CoppiceError('NotFound', `Remote "${name}" not found`);
  const verifiers = remoteVerifiers(remote, 'sign-verify');
  const gpg = remote.boolean('gpg-verify', true);
  if (!gpg && verifiers === undefined)
    throw new CoppiceError(
      'Invalid',
      `Cannot verify commit for remote ${name}; GPG verification disabled, and no signapi verifiers configured`,
    );
  const texts: string[] = [];
  if (gpg) {
    const results = commitGpgResults(repo, status.checksum, verificationKeyring(repo, name));
    requireValidGpg(results);
    texts.push(results.map((result) => describeGpgResult(result, 'GPG: ')).join(''));
  }
  if (verifiers !== undefined) {
    try {
      texts.push(verifyWithEngines(verifiers, repo.loadCommitBytes(status.checksum), detached));
    } catch (error) {
      throw prefixError(error, "Can't verify commit");
    }
  }
  return `${texts.join('\n')}\n`;
}
