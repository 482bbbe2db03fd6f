import {
  child,
  embeddedText,
  type Fields,
  list,
  maybeText,
  type Path,
  type Report,
  text,
  texts,
} from '@coppice/ignition';
import { found } from './rules-table.ts';

// Patterns of secrets that are worth a word: what they look like, and what to call them.
const tokens: readonly (readonly [RegExp, string])[] = [
  [/\bAKIA[0-9A-Z]{16}\b/, 'an access key of AWS'],
  [/\bgh[pousr]_[A-Za-z0-9]{36}\b/, 'a token of GitHub'],
  [/\bglpat-[A-Za-z0-9_-]{20}\b/, 'a token of GitLab'],
  [/\bxox[abprs]-[A-Za-z0-9-]{10,}\b/, 'a token of Slack'],
  [/\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/, 'a signed web token'],
  [/"auth"\s*:\s*"[A-Za-z0-9+/=]{8,}"/, 'registry credentials'],
  [
    /(?:^|[\s"'_-])(?:password|passwd|passphrase|secret|api[_-]?key|secret[_-]?(?:access[_-]?)?key|access[_-]?token|auth[_-]?token)["']?\s*[:=]\s*["']?(?![\s"'$%{<]|file\b|true\b|false\b|none\b|null\b|yes\b|no\b)[^\s"']{4,}/i,
    'a password',
  ],
];

/** Secrets in files, units, headers, addresses, keys and accounts. */
export function checkSecrets(config: Fields, report: Report): void {
  const storage = child(config, 'storage');
  list(storage, 'files').forEach((file, i) => {
    const at: Path = ['storage', 'files', i];
    checkResource(child(file, 'contents'), [...at, 'contents'], report);
    for (const [n, part] of list(file, 'append').entries()) checkResource(part, [...at, 'append', n], report);
  });
  list(storage, 'luks').forEach((luks, i) => {
    const key = child(luks, 'keyFile');
    if (maybeText(key, 'source')?.startsWith('data:') === true)
      found(report, ['storage', 'luks', i, 'keyFile'], 'secret-luks-key');
  });
  list(child(config, 'systemd'), 'units').forEach((unit, i) => {
    const at: Path = ['systemd', 'units', i];
    checkText(text(unit, 'contents'), [...at, 'contents'], report);
    for (const [n, dropin] of list(unit, 'dropins').entries())
      checkText(text(dropin, 'contents'), [...at, 'dropins', n, 'contents'], report);
  });
  const passwd = child(config, 'passwd');
  checkAccounts(passwd, report);
  checkKeys(passwd, report);
}

const publicKey =
  /^(?:.*[\s,"])?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com|[a-z0-9-]+-cert-v01@openssh\.com)\s+[A-Za-z0-9+/]+={0,2}(?:\s|$)/;

/** Keys for logging in are public ones, one in a line; comments may stand between them. */
function checkKeys(passwd: Fields | undefined, report: Report): void {
  list(passwd, 'users').forEach((user, i) => {
    texts(user, 'sshAuthorizedKeys').forEach((key, n) => {
      const at: Path = ['passwd', 'users', i, 'sshAuthorizedKeys', n];
      if (/-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/.test(key)) found(report, at, 'secret-private-key');
      const lines = key.split(/\r?\n/).filter((line) => !/^\s*(?:#|$)/.test(line));
      if (!lines.every((line) => publicKey.test(line))) found(report, at, 'ssh-key-form');
    });
  });
}

function checkResource(resource: Fields | undefined, at: Path, report: Report): void {
  if (resource === undefined) return;
  checkText(embeddedText(resource) ?? '', at, report);
  const source = text(resource, 'source');
  if (/^[a-z0-9+]+:\/\/[^/?#@]*:[^/?#@]*@/i.test(source)) found(report, [...at, 'source'], 'secret-url');
  list(resource, 'httpHeaders').forEach((header, i) => {
    const name = text(header, 'name');
    if (/^(authorization|proxy-authorization|cookie|x-.*(token|key))$/i.test(name) && text(header, 'value') !== '')
      found(report, [...at, 'httpHeaders', i], 'secret-header', name);
  });
}

function checkText(content: string, at: Path, report: Report): void {
  if (/-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/.test(content)) found(report, at, 'secret-private-key');
  const kind = tokens.find(([pattern]) => pattern.test(content))?.[1];
  if (kind !== undefined) found(report, at, 'secret-token', kind);
}

function checkAccounts(passwd: Fields | undefined, report: Report): void {
  for (const kind of ['users', 'groups'] as const)
    list(passwd, kind).forEach((account, i) => {
      const hash = text(account, 'passwordHash');
      const at: Path = ['passwd', kind, i, 'passwordHash'];
      if (hash === '' || /^[!*]/.test(hash) || hash === 'x') return;
      if (/^\$1\$/.test(hash)) found(report, at, 'password-weak', 'MD5');
      else if (/^[./0-9A-Za-z]{13}$/.test(hash)) found(report, at, 'password-weak', 'DES');
      else if (!/^\$[0-9a-z]+\$/.test(hash)) found(report, at, 'password-plain');
    });
}
