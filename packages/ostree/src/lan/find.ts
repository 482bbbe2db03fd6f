import { isCoppiceError } from '@coppice/base';
import type { CollectionRefName } from '../pull/find-remotes.ts';
import type { Candidate } from '../pull/newest-commits.ts';
import { headsInSummary } from '../pull/summary-heads.ts';
import { addPassingRemote, type Remote, remotesByCollection } from '../remote/remote.ts';
import type { Repo } from '../repo.ts';
import { readAdvert, serviceType } from './advert.ts';
import { AvahiClient, type FoundService } from './avahi.ts';

/** What goes wrong while a finder looks, as the original puts it. */
export type FinderWarning = (message: string) => void;

/**
 * The `lan` finder: repositories that peers on the local network announce through DNS-SD. Only refs of collections that a
 * remote here has keys for count. Throws `NotFound` when there is no Avahi.
 */
export async function onLocalNetwork(
  repo: Repo,
  wanted: readonly CollectionRefName[],
  warn: FinderWarning,
): Promise<Candidate[]> {
  const client = await AvahiClient.connect({ env: repo.env });
  let services: FoundService[];
  try {
    services = await client.browse(serviceType, (name, error) =>
      warn(`Failed to resolve service ‘${name}’: ${error.message}`),
    );
  } catch (error) {
    if (!isCoppiceError(error) || error.kind === 'bug') throw error;
    return [];
  } finally {
    client.close();
  }
  const keyrings = remotesByCollection(repo);
  const out: Candidate[] = [];
  // The same address can come by several interfaces and services, and each counts.
  const asked = new Map<string, ReturnType<typeof headsInSummary>>();
  for (const service of services) {
    const advert = readAdvert(service.txt);
    const host = hostOf(service.address);
    if (advert === undefined || host === undefined) continue;
    const url = `http://${host}:${service.port}/${advert.index}`;
    for (const [keyring, refs] of byKeyring(keyrings, wanted.filter(advert.mayHave))) {
      const { name } = addPassingRemote(repo, url, keyring);
      const heads = asked.get(name) ?? headsInSummary(repo, name, refs, undefined, wanted);
      asked.set(name, heads);
      const found = await heads;
      if (found === undefined) continue;
      const rank = advert.summaryModified === 0n ? {} : { announcedModified: Number(advert.summaryModified) };
      out.push({ finder: 'lan', remote: name, url, keyring: keyring.keyringFile, priority: 60, ...rank, ...found });
    }
  }
  return out;
}

function byKeyring(
  keyrings: ReadonlyMap<string, Remote>,
  refs: readonly CollectionRefName[],
): Map<Remote, CollectionRefName[]> {
  const out = new Map<Remote, CollectionRefName[]>();
  for (const ref of refs) {
    const keyring = keyrings.get(ref.collection);
    if (keyring !== undefined) out.set(keyring, [...(out.get(keyring) ?? []), ref]);
  }
  return out;
}

/** The host of a URL; undefined for addresses that hold on one interface only, for which there is no URL. */
export function hostOf(address: string): string | undefined {
  if (/^\d+(?:\.\d+){3}$/.test(address)) return address;
  if (!/^[0-9a-f:.]+$/i.test(address) || /^fe[89ab].:/i.test(address) || address === '::1') return undefined;
  return `[${address}]`;
}
