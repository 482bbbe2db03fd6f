import { accessSync, constants, existsSync } from 'node:fs';
import { errnoError } from '@coppice/base';
import { gpgDeleteSignatures, gpgSignCommit } from '@coppice/ostree';
import { gpgHomeKeyring } from '@coppice/signing';
import { gpgHome, gpgKey } from './signers.ts';
import { type OstreeCall, type OstreeVerb, UsageError } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'COMMIT KEY-ID...',
  summary: 'Sign a commit',
  options: () => [
    { long: 'delete', short: 'd', help: 'Delete signatures having any of the GPG KEY-IDs' },
    { long: 'gpg-homedir', arg: 'HOMEDIR', filename: true, help: 'GPG Homedir to use when looking for keyrings' },
  ],
  run(call: OstreeCall) {
    const { operands, options, repo } = call;
    const [rev, ...keyIds] = operands;
    if (rev === undefined) throw new UsageError('Need a COMMIT to sign', false);
    if (keyIds.length === 0) throw new UsageError('Need at least one GPG KEY-ID to sign with', false);
    const commit = repo.resolveRev(rev);
    const home = gpgHome(call);
    const given = options.string('gpg-homedir');
    if (given !== undefined && !existsSync(home)) throw errnoError({ code: 'ENOENT' }, `opendir(${home})`);
    const keyring = gpgHomeKeyring(home);
    if (options.flag('delete')) {
      call.print(`Signatures deleted: ${gpgDeleteSignatures(repo, commit, keyIds, keyring)}`);
      return;
    }
    try {
      // The original begins with a file for the signature.
      accessSync(`${repo.path}/tmp`, constants.W_OK);
    } catch (error) {
      throw errnoError(error, 'open(O_TMPFILE)');
    }
    for (const keyId of keyIds) gpgSignCommit(repo, commit, gpgKey(home, keyId, given), keyring, keyId);
  },
};
