import { formatDate, getRemote, listedKeyring } from '@coppice/ostree';
import { type KeyStanding, webKeyUrls } from '@coppice/signing';
import type { OstreeCall, OstreeVerb } from '../verb.ts';

export const verb: OstreeVerb = {
  params: 'NAME',
  summary: 'Show remote GPG keys',
  options: () => [],
  run(call: OstreeCall) {
    const [name] = call.operands;
    const keyring = listedKeyring(call.repo, name === undefined ? undefined : getRemote(call.repo, name));
    const now = Math.floor(call.repo.clock.now() / 1000);
    for (const { primary, subkeys, userIds } of keyring.certificates) {
      printKey(call, 'Key', primary, '', now, primary.revoked);
      for (const user of userIds) {
        call.print(`  UID: ${user.text}${user.revoked || primary.revoked ? ' (revoked)' : ''}`);
        const urls = webKeyUrls(user.email);
        if (urls === undefined) continue;
        call.print(`  Advanced update URL: ${urls.advanced}`);
        call.print(`  Direct update URL: ${urls.direct}`);
      }
      for (const subkey of subkeys) printKey(call, 'Subkey', subkey, '  ', now, subkey.revoked || primary.revoked);
    }
  },
};

function printKey(
  call: OstreeCall,
  what: string,
  standing: KeyStanding,
  lead: string,
  now: number,
  revoked: boolean,
): void {
  call.print(`${lead}${what}: ${standing.key.fingerprint}${revoked ? ' (revoked)' : ''}`);
  call.print(`${lead}  Created: ${formatDate(standing.key.created)}`);
  if (standing.expires === 0) return;
  call.print(`${lead}  ${standing.expires <= now ? 'Expired' : 'Expires'}: ${formatDate(standing.expires)}`);
}
