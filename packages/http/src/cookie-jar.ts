import { CoppiceError } from '@coppice/base';

/** One line of a Netscape cookie file. `expires` is seconds since the epoch, 0 = session. */
export interface Cookie {
  readonly domain: string;
  readonly subdomains: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly expires: number;
  readonly name: string;
  readonly value: string;
}

/** Parses a Netscape cookie file (seven TAB-separated fields a line, `#HttpOnly_` accepted, comments and bad lines skipped). */
export function parseCookieJar(text: string): Cookie[] {
  const out: Cookie[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.replace(/\r$/, '').replace(/^#HttpOnly_/, '');
    if (line === '' || line.startsWith('#')) continue;
    const [domain, subdomains, path, secure, expires, name, ...value] = line.split('\t');
    if (domain === undefined || path === undefined || name === undefined || !/^\d+$/.test(expires ?? '')) continue;
    out.push({
      domain,
      subdomains: subdomains === 'TRUE',
      path,
      secure: secure === 'TRUE',
      expires: Number(expires),
      name,
      value: value.join('\t'),
    });
  }
  return out;
}

export function formatCookie(cookie: Cookie): string {
  for (const field of [cookie.domain, cookie.path, cookie.name, cookie.value]) {
    if (/[\t\r\n\0]/.test(field)) throw new CoppiceError('Usage', 'Invalid character in cookie');
  }
  const flag = (value: boolean): string => (value ? 'TRUE' : 'FALSE');
  const { domain, path, expires, name, value } = cookie;
  return `${domain}\t${flag(cookie.subdomains)}\t${path}\t${flag(cookie.secure)}\t${expires}\t${name}\t${value}\n`;
}

/** The `Cookie` header for a request, or undefined when nothing matches. `now` is milliseconds since the epoch. */
export function cookieHeader(cookies: readonly Cookie[], url: URL, now: number): string | undefined {
  const parts: string[] = [];
  for (const cookie of cookies) {
    const domain = cookie.domain.replace(/^\./, '').toLowerCase();
    const host = url.hostname;
    const under = cookie.subdomains || cookie.domain.startsWith('.');
    if (host !== domain && !(under && host.endsWith(`.${domain}`))) continue;
    if (cookie.secure && url.protocol !== 'https:') continue;
    if (cookie.expires !== 0 && cookie.expires * 1000 < now) continue;
    const prefix = cookie.path.endsWith('/') ? cookie.path : `${cookie.path}/`;
    if (url.pathname !== cookie.path && !url.pathname.startsWith(prefix)) continue;
    parts.push(`${cookie.name}=${cookie.value}`);
  }
  return parts.length === 0 ? undefined : parts.join('; ');
}
