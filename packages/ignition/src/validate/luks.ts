import { parseGoUrl } from '../go-url.ts';
import { type Finding, finding } from '../report.ts';
import { byteLength, child, type Fields, isTrue, list, maybeInt, text } from '../value.ts';
import { pathFinding } from './paths.ts';
import type { Rule } from './rules.ts';
import { optionalUrlFinding } from './urls.ts';

export const luks: Rule = (value, path, { minor, report }) => {
  if (text(value, 'name').includes('/')) report.error([...path, 'name'], 'luks-name-slash');
  if (byteLength(text(value, 'label')) > 47) report.error([...path, 'label'], 'luks-label-long');
  const device = text(value, 'device');
  if (device === '') report.error([...path, 'device'], 'disk-device-required');
  else report.errorIf([...path, 'device'], pathFinding(device));

  const clevis = child(value, 'clevis');
  const custom = child(clevis, 'custom');
  const others =
    list(clevis, 'tang').length > 0 || isTrue(clevis, 'tpm2') || (maybeInt(clevis, 'threshold') ?? 0) !== 0;
  const hasCustom = minor >= 3 ? text(custom, 'pin') !== '' : custom !== undefined;
  if (hasCustom && others) report.error([...path, 'clevis'], 'clevis-custom-with-others');
  if (optionalUrlFinding(text(child(value, 'keyFile'), 'source'), minor) !== undefined)
    report.error([...path, 'keys'], 'luks-key-file');
  if (isTrue(child(value, 'cex'), 'enabled')) {
    if (hasCustom || others) report.error([...path, 'cex'], 'cex-with-clevis');
    if (text(child(value, 'keyFile'), 'source') !== '') report.error([...path, 'cex'], 'cex-with-key-file');
  }
};

const pins = new Set(['tpm2', 'tang', 'sss']);

/** `clevis.custom` of all versions. */
export const clevisCustom: Rule = (value, path, { minor, report }) => {
  const pin = text(value, 'pin');
  const config = text(value, 'config');
  if (pin === '' && config === '' && !(minor >= 3 && isTrue(value, 'needsNetwork'))) return;
  if (pin === '' && minor >= 3) report.error([...path, 'pin'], 'clevis-pin-required');
  else if (minor < 6 && !pins.has(pin)) report.error([...path, 'pin'], 'clevis-pin-unknown');
  if (config === '') report.error([...path, 'config'], 'clevis-config-required');
};

export const tang: Rule = (value, path, { report }) => {
  report.errorIf([...path, 'url'], tangUrlFinding(value));
  if (text(value, 'thumbprint') === '') report.error([...path, 'thumbprint'], 'tang-thumbprint-required');
  const advertisement = text(value, 'advertisement');
  if (advertisement !== '' && !isJson(advertisement)) report.error([...path, 'advertisement'], 'tang-advertisement');
};

function tangUrlFinding(value: Fields): Finding | undefined {
  const url = parseGoUrl(text(value, 'url'));
  if (url === undefined) return finding('url-invalid');
  return url.scheme === 'http' || url.scheme === 'https' ? undefined : finding('url-scheme');
}

function isJson(candidate: string): boolean {
  try {
    JSON.parse(candidate);
    return true;
  } catch {
    return false;
  }
}
