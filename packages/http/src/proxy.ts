import { curlError } from './failure.ts';

type Env = Readonly<Record<string, string | undefined>>;

function bypassed(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return list
    .split(/[,\s]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [name, port] = /^\[.*\]|^[^:]*:[^:]*:/.test(entry) ? [entry] : entry.split(':');
      const bare = name!
        .replace(/^\*?\./, '')
        .replace(/^\[|\]$/g, '')
        .toLowerCase();
      const samePort = port === undefined || port === (url.port || (url.protocol === 'https:' ? '443' : '80'));
      return samePort && (host === bare || host.endsWith(`.${bare}`));
    });
}

/**
 * The proxy for a URL: `configured` (a remote's `proxy` key) if given, else the environment as curl reads it:
 * `http_proxy` (lower case only), `https_proxy`/`HTTPS_PROXY`, `all_proxy`/`ALL_PROXY`, except hosts in `no_proxy`/`NO_PROXY`.
 */
export function proxyFor(url: URL, configured: string | undefined, env: Env): string | undefined {
  let proxy = configured;
  if (proxy === undefined) {
    if (bypassed(url, env['no_proxy'] ?? env['NO_PROXY'] ?? '')) return undefined;
    proxy = url.protocol === 'https:' ? (env['https_proxy'] ?? env['HTTPS_PROXY']) : env['http_proxy'];
    proxy ??= env['all_proxy'] ?? env['ALL_PROXY'];
  }
  if (proxy === undefined || proxy === '') return undefined;
  const text = proxy.includes('://') ? proxy : `http://${proxy}`;
  if (!URL.canParse(text)) throw curlError(5);
  return text;
}
