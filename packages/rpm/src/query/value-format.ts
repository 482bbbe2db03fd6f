// The formats of `%{TAG:format}`: one value to text, in rpm 4.18's words where a format does not fit.
import { encodeText } from '@coppice/archive';
import { type ArmorKind, armor as armorText, packetTag, parseSignature, readPackets } from '@coppice/signing';
import { type RpmLevel, renamedTags, unknownTag } from '../compat.ts';
import { operatorOf } from '../dependency.ts';
import { tagInfo } from '../header/tag-table.ts';
import { Sense } from '../package/dependencies.ts';
import { hashAlgorithm } from '../package/hash-algorithm.ts';
import type { TagValue } from './tag-value.ts';
import { triggerType } from './trigger-tags.ts';

/** One element of a value. */
export type ValueFormat = (value: TagValue, index: number, tag: number, level: RpmLevel) => string;

/** Output bytes as text, one character each: what a header holds may be in any encoding. */
export const latin = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

const bytesOf = (text: string): string => latin(encodeText(text));

const number =
  (format: (n: number) => string): ValueFormat =>
  (value, index) =>
    value.kind === 'number' ? format(value.values[index] ?? 0) : '(not a number)';

const plain = (value: TagValue, index: number): string => {
  if (value.kind === 'number') return String(value.values[index] ?? 0);
  return value.kind === 'text' ? bytesOf(value.values[index] ?? '') : Buffer.from(value.bytes).toString('hex');
};

function base64Lines(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
}

function armored(bytes: Uint8Array, kind: ArmorKind): string {
  const text = armorText(kind, bytes).replace('-----\n', '-----\nVersion: rpm-4.18.0\n');
  return bytes.length === 0 ? text.replace('\n\n\n', '\n\n') : text;
}

const armor: ValueFormat = (value, index) => {
  if (value.kind === 'number') return '(invalid type)';
  if (value.kind === 'binary') return armored(value.bytes, 'SIGNATURE');
  const compact = (value.values[index] ?? '').replace(/\s/g, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return '(not base64)';
  return armored(Buffer.from(compact, 'base64'), 'PUBLIC KEY BLOCK');
};

/** rpm's name of a tag. */
export function tagName(tag: number, level: RpmLevel): string {
  const info = tagInfo(tag);
  if (info === undefined || (level === '4.18' && info.since !== undefined)) return unknownTag[level](tag);
  return renamedTags[level].get(tag) ?? info.name;
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (n: number): string => String(n).padStart(2, '0');

/** `Wed Jan 01 2020`, in local time. */
function day(seconds: number): string {
  const d = new Date(seconds * 1000);
  return `${weekdays[d.getDay()]} ${months[d.getMonth()]} ${two(d.getDate())} ${d.getFullYear()}`;
}

/** `Wed Jan  1 12:00:00 2020`: the C locale's `%c`, in local time. */
function date(seconds: number): string {
  const d = new Date(seconds * 1000);
  const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  return `${weekdays[d.getDay()]} ${months[d.getMonth()]} ${String(d.getDate()).padStart(2)} ${time} ${d.getFullYear()}`;
}

const named = (pairs: readonly (readonly [number, string])[], flags: number): string[] =>
  pairs.filter(([bits]) => (flags & bits) !== 0).map(([, name]) => name);

const dependencyTypes: readonly (readonly [number, string])[] = [
  [Sense.scriptPre, 'pre'],
  [Sense.scriptPost, 'post'],
  [Sense.scriptPreUn, 'preun'],
  [Sense.scriptPostUn, 'postun'],
  [Sense.scriptVerify, 'verify'],
  [Sense.interp, 'interp'],
  [Sense.rpmlib, 'rpmlib'],
  [Sense.findRequires | Sense.findProvides, 'auto'],
  [Sense.preReq, 'prereq'],
  [Sense.preTrans, 'pretrans'],
  [Sense.postTrans, 'posttrans'],
  [Sense.config, 'config'],
  [Sense.missingOk, 'missingok'],
  [Sense.meta, 'meta'],
];

const fileFlags: readonly (readonly [number, string])[] = [
  [2, 'd'],
  [1, 'c'],
  [32, 's'],
  [8, 'm'],
  [16, 'n'],
  [64, 'g'],
  [128, 'l'],
  [256, 'r'],
  [4096, 'a'],
];

/** Letters of a file's flags. */
export const fileFlagLetters = (flags: number): string => named(fileFlags, flags).join('');

/** Letters of failed checks, in rpm's order: bit, letter, bit of "could not be read". */
const verifyLetters: readonly (readonly [number, string, number])[] = [
  [2, 'S', 0],
  [64, 'M', 0],
  [1, '5', 1 << 29],
  [128, 'D', 0],
  [4, 'L', 1 << 28],
  [8, 'U', 0],
  [16, 'G', 0],
  [32, 'T', 0],
  [256, 'P', 0],
];

/** What differs in a file: `S.5....T.`; `none` stands for a check that passed. */
export function verifyString(flags: number, none: string): string {
  return verifyLetters.map(([bit, letter, unread]) => (flags & unread ? '?' : flags & bit ? letter : none)).join('');
}

const fileStates = ['normal', 'replaced', 'not installed', 'net shared', 'wrong color'];
const fileState = (state: number): string => (state === 0xffffffff ? 'missing' : (fileStates[state] ?? '(unknown)'));

const typeLetters = new Map([
  [0o100000, '-'],
  [0o040000, 'd'],
  [0o120000, 'l'],
  [0o010000, 'p'],
  [0o140000, 's'],
  [0o020000, 'c'],
  [0o060000, 'b'],
]);

/** `-rwxr-xr-x`. */
export function permissions(mode: number): string {
  const bits = [...'rwxrwxrwx'].map((letter, i) => (mode & (0o400 >> i) ? letter : '-'));
  const special = (bit: number, at: number, set: string): void => {
    if (mode & bit) bits[at] = bits[at] === 'x' ? set : set.toUpperCase();
  };
  special(0o4000, 2, 's');
  special(0o2000, 5, 's');
  special(0o1000, 8, 't');
  return `${typeLetters.get(mode & 0o170000) ?? '?'}${bits.join('')}`;
}

/** printf's `%.0f` and `%.1f`: exact halves go to the even digit. */
function rounded(value: number, digits: number): string {
  const scaled = value * 10 ** digits;
  const floor = Math.floor(scaled);
  const up = scaled - floor > 0.5 || (scaled - floor === 0.5 && floor % 2 === 1);
  return ((floor + (up ? 1 : 0)) / 10 ** digits).toFixed(digits);
}

function human(size: number, kilo: number): string {
  // rpm computes in single precision.
  let value = Math.fround(size);
  let unit = 0;
  const units = ['', 'K', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
  while (value >= kilo && unit < units.length - 1) {
    value = Math.fround(value / kilo);
    unit++;
  }
  return `${rounded(value, value > 0.05 && value < 9.95 ? 1 : 0)}${units[unit]}`;
}

const keyNames: Readonly<Record<number, string>> = { 1: 'RSA', 17: 'DSA', 19: 'ECDSA', 22: 'EdDSA' };

const pgpSignature: ValueFormat = (value) => {
  if (value.kind !== 'binary') return '(not a blob)';
  try {
    const packet = readPackets(value.bytes).next().value;
    if (packet?.tag !== packetTag.signature) return '(not an OpenPGP signature)';
    const signature = parseSignature(packet.body);
    const issuer = signature.issuer ?? signature.issuerFingerprint?.slice(-16) ?? '';
    return `${keyNames[signature.algorithm] ?? ''}/${hashAlgorithm(signature.hash)?.title ?? ''}, ${date(signature.created)}, Key ID ${issuer.toLowerCase()}`;
  } catch {
    return '(not an OpenPGP signature)';
  }
};

const shell: ValueFormat = (value, index) => {
  if (value.kind === 'binary') return '(invalid type)';
  return value.kind === 'number' ? plain(value, index) : `'${plain(value, index).replaceAll("'", "'\\''")}'`;
};

const escapes: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;' };

const xml: ValueFormat = (value, index) => {
  if (value.kind === 'binary') return `\t<base64>${base64Lines(value.bytes)}</base64>`;
  if (value.kind === 'number') return `\t<integer>${value.values[index] ?? 0}</integer>`;
  const body = plain(value, index).replace(/[<>&]/g, (c) => escapes[c]!);
  return body === '' ? '\t<string/>' : `\t<string>${body}</string>`;
};

export const valueFormats: ReadonlyMap<string, ValueFormat> = new Map<string, ValueFormat>([
  ['string', plain],
  ['arraysize', (value) => String(value.kind === 'binary' ? 1 : value.values.length)],
  ['armor', armor],
  ['base64', (value) => (value.kind === 'binary' ? base64Lines(value.bytes) : '(not a blob)')],
  ['date', number(date)],
  ['day', number(day)],
  ['depflags', number(operatorOf)],
  ['deptype', number((flags) => named(dependencyTypes, flags).join(',') || 'manual')],
  // Texts with macros in them would be expanded by rpm; there are no macros here.
  ['expand', (value, index) => (value.kind === 'text' ? plain(value, index).replaceAll('%%', '%') : '(not a string)')],
  ['fflags', number(fileFlagLetters)],
  ['fstate', number(fileState)],
  ['fstatus', number((flags) => verifyString(flags, '.'))],
  ['hex', number((n) => n.toString(16))],
  ['humaniec', number((n) => human(n, 1024))],
  ['humansi', number((n) => human(n, 1000))],
  ['octal', number((n) => n.toString(8))],
  ['perms', number(permissions)],
  ['permissions', number(permissions)],
  ['pgpsig', pgpSignature],
  ['shescape', shell],
  ['tagname', (_value, _index, tag, level) => tagName(tag, level)],
  ['tagnum', (_value, _index, tag) => String(tag)],
  ['triggertype', number(triggerType)],
  ['vflags', number((flags) => verifyString(flags, ''))],
  ['xml', xml],
]);
