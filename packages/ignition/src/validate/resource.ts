import { parseGoUrl } from '../go-url.ts';
import { type Finding, finding } from '../report.ts';
import { child, type Fields, list, maybeText, text } from '../value.ts';
import type { Rule } from './rules.ts';
import { optionalUrlFinding, urlFinding } from './urls.ts';

/** Resource, FileContents, ConfigReference and CaReference: compression, hash, source and headers, in this order. */
export const resource: Rule = (value, path, { minor, report }) => {
  const compression = text(value, 'compression');
  if (compression !== '' && compression !== 'gzip') report.error([...path, 'compression'], 'compression');
  const source = maybeText(value, 'source');
  if (maybeText(child(value, 'verification'), 'hash') !== undefined && source === undefined)
    report.error([...path, 'verification', 'hash'], 'verification-without-source');
  report.errorIf([...path, 'source'], optionalUrlFinding(source, minor));
  report.errorIf([...path, 'httpHeaders'], headerSchemeFinding(value));
};

function headerSchemeFinding(value: Fields): Finding | undefined {
  if (list(value, 'httpHeaders').length === 0) return undefined;
  const source = text(value, 'source');
  if (source === '') return finding('url-invalid');
  const url = parseGoUrl(source);
  if (url === undefined) return finding('url-invalid');
  return url.scheme === 'http' || url.scheme === 'https' ? undefined : finding('header-scheme');
}

/** CaReference of spec 3.0: its source is no pointer, so an absent one is an empty URL. */
export const caReference: Rule = (value, path, { minor, report }) => {
  report.errorIf([...path, 'source'], urlFinding(text(value, 'source'), minor));
};

/** A source that must be there, as for merged configs and certificate authorities. */
export function requiredSourceFinding(value: Fields, minor: number): Finding | undefined {
  const source = text(value, 'source');
  return source === '' ? finding('source-required') : optionalUrlFinding(source, minor);
}

export const verification: Rule = (value, path, { minor, report }) => {
  const hash = maybeText(value, 'hash');
  if (hash !== undefined) report.errorIf([...path, 'hash'], hashFinding(hash, minor));
};

function hashFinding(hash: string, minor: number): Finding | undefined {
  const dash = hash.indexOf('-');
  if (dash < 0) return finding('hash-malformed');
  const sizes: Record<string, number> = minor >= 1 ? { sha512: 128, sha256: 64 } : { sha512: 128 };
  const size = sizes[hash.slice(0, dash)];
  if (size === undefined) return finding('hash-unknown');
  return hash.length - dash - 1 === size ? undefined : finding('hash-size');
}

export const httpHeader: Rule = (value, path, { report }) => {
  if (text(value, 'name') === '') report.error([...path, 'name'], 'header-name-empty');
  if (maybeText(value, 'value') === '') report.error([...path, 'value'], 'header-invalid');
};
