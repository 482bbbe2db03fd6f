const isAddress = (host: string): boolean => /^(\[.*\]|[\d.]+)$/.test(host);

/** The domain that one owner has: two labels, three under the likes of `co.uk`. */
function site(host: string): string {
  const labels = host.split('.');
  const [second = '', top = ''] = labels.slice(-2);
  return labels.slice(top.length === 2 && second.length <= 3 ? -3 : -2).join('.');
}

/**
 * Whether a token server may learn what proves who we are to `registry`; both are host names without a port. It may when it
 * is the registry's own host or another of the same domain (`registry-1.docker.io` has its tokens at `auth.docker.io`): a
 * challenge can name any host at all.
 */
export function mayHaveCredentials(registry: string, tokenServer: string): boolean {
  if (registry === tokenServer) return true;
  if (isAddress(registry) || isAddress(tokenServer) || !registry.includes('.')) return false;
  return site(registry) === site(tokenServer);
}
