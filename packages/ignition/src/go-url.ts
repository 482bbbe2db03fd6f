// Go's url.Parse as far as configs need it (net/url, Go 1.26): what it accepts, and the parts that validation looks at.

export interface GoUrl {
  readonly scheme: string;
  readonly opaque: string;
  readonly host: string;
  readonly path: string;
  readonly rawQuery: string;
}

/** The parts of a URL; undefined where Go reports an error. */
export function parseGoUrl(raw: string): GoUrl | undefined {
  const hash = raw.indexOf('#');
  const base = hash < 0 ? raw : raw.slice(0, hash);
  if (/[\x00-\x1f\x7f]/.test(base)) return undefined;
  if (hash >= 0 && (/[\x00-\x1f\x7f]/.test(raw) || !escapesAreSound(raw.slice(hash + 1)))) return undefined;
  const split = splitScheme(base);
  if (split === undefined) return undefined;
  let { scheme, rest } = split;
  scheme = scheme.toLowerCase();
  let rawQuery = '';
  const question = rest.indexOf('?');
  if (question >= 0) {
    rawQuery = rest.slice(question + 1);
    rest = rest.slice(0, question);
  }
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { scheme, opaque: rest, host: '', path: '', rawQuery };
    const slash = rest.indexOf('/');
    if ((slash < 0 ? rest : rest.slice(0, slash)).includes(':')) return undefined;
  }
  let host = '';
  if ((scheme !== '' || !rest.startsWith('///')) && rest.startsWith('//')) {
    const slash = rest.indexOf('/', 2);
    const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash);
    rest = slash < 0 ? '' : rest.slice(slash);
    const parsed = parseAuthority(authority);
    if (parsed === undefined) return undefined;
    host = parsed;
  }
  if (!escapesAreSound(rest)) return undefined;
  return { scheme, opaque: '', host, path: unescapePercent(rest), rawQuery };
}

/** Values of `name` in a query, as `url.Query()[name]`; undefined when the name is absent. */
export function queryValues(rawQuery: string, name: string): string[] | undefined {
  const found: string[] = [];
  for (const pair of rawQuery.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const equals = pair.indexOf('=');
    const key = equals < 0 ? pair : pair.slice(0, equals);
    const value = equals < 0 ? '' : pair.slice(equals + 1);
    if (!escapesAreSound(key) || !escapesAreSound(value)) continue;
    if (unescapePercent(key.replaceAll('+', ' ')) === name) found.push(unescapePercent(value.replaceAll('+', ' ')));
  }
  return found.length === 0 ? undefined : found;
}

function splitScheme(raw: string): { scheme: string; rest: string } | undefined {
  for (let i = 0; i < raw.length; i++) {
    const c = raw[i]!;
    if (/[a-zA-Z]/.test(c)) continue;
    if (/[0-9+.-]/.test(c)) {
      if (i === 0) return { scheme: '', rest: raw };
      continue;
    }
    if (c === ':') return i === 0 ? undefined : { scheme: raw.slice(0, i), rest: raw.slice(i + 1) };
    return { scheme: '', rest: raw };
  }
  return { scheme: '', rest: raw };
}

function escapesAreSound(part: string): boolean {
  return !/%(?![0-9a-fA-F]{2})/.test(part);
}

function unescapePercent(part: string): string {
  if (!part.includes('%')) return part;
  const bytes: number[] = [];
  const encoded = new TextEncoder().encode(part);
  for (let i = 0; i < encoded.length; i++) {
    if (encoded[i] === 0x25) {
      bytes.push(Number.parseInt(String.fromCharCode(encoded[i + 1]!, encoded[i + 2]!), 16));
      i += 2;
    } else bytes.push(encoded[i]!);
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** The host of an authority; undefined when Go rejects it. */
function parseAuthority(authority: string): string | undefined {
  const at = authority.lastIndexOf('@');
  if (at >= 0) {
    const user = authority.slice(0, at);
    if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user) || !escapesAreSound(user)) return undefined;
  }
  const host = at < 0 ? authority : authority.slice(at + 1);
  const open = host.indexOf('[');
  if (open > 0) return undefined;
  if (open === 0) {
    const close = host.lastIndexOf(']');
    if (close < 0 || !/^(:[0-9]*)?$/.test(host.slice(close + 1))) return undefined;
    const address = host.slice(1, close);
    const zone = address.indexOf('%25');
    const plain = zone < 0 ? address : address.slice(0, zone);
    if (!isIpv6(plain) || (zone >= 0 && !escapesAreSound(address.slice(zone)))) return undefined;
    return host;
  }
  const colon = host.indexOf(':');
  if (colon >= 0 && !/^:[0-9]*$/.test(host.slice(colon))) return undefined;
  // Escapes in a host may only stand for bytes beyond ASCII (or %25 itself).
  if (!escapesAreSound(host) || /%(?!25)[0-7]/.test(host)) return undefined;
  if (/[^A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"%\u0080-\uffff]/.test(host)) return undefined;
  return unescapePercent(host);
}

function isIpv6(address: string): boolean {
  let body = address;
  let groups = 8;
  const dotted = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(body);
  if (dotted !== null) {
    if (dotted.slice(2).some((n) => Number(n) > 255 || (n.length > 1 && n.startsWith('0')))) return false;
    body = dotted[1]!.endsWith('::') ? dotted[1]! : dotted[1]!.slice(0, -1);
    groups = 6;
  }
  const halves = body.split('::');
  if (halves.length > 2) return false;
  const count = (half: string): number =>
    half === '' ? 0 : half.split(':').every((g) => /^[0-9a-fA-F]{1,4}$/.test(g)) ? half.split(':').length : 99;
  const total = halves.reduce((n, half) => n + count(half), 0);
  return halves.length === 2 ? total < groups : total === groups;
}
