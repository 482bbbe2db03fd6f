// `rpm -q` in its plain forms: --dump, --list, --scripts, --provides and its kin, --changelog, --info.

import { formatDependency } from '../dependency.ts';
import type { Header } from '../header/header.ts';
import { HeaderType, Tag } from '../header/tag.ts';
import { type DependencyKind, headerDependencies } from '../package/dependencies.ts';
import { FileFlag, fileDigestAlgorithm, packageFiles } from '../package/files.ts';

const digestLengths: Readonly<Record<string, number>> = {
  md5: 32,
  sha1: 40,
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
};

/** One line per file as `--dump`: path size mtime digest mode owner group isconfig isdoc rdev symlink. */
export function dumpLines(header: Header): string[] {
  const files = packageFiles(header);
  if (files.length === 0) return ['(contains no files)'];
  const empty = '0'.repeat(digestLengths[fileDigestAlgorithm(header)] ?? 64);
  return files.map((f) => {
    const config = f.flags & FileFlag.config ? 1 : 0;
    const doc = f.flags & FileFlag.doc ? 1 : 0;
    return `${f.path} ${f.size} ${f.mtime} ${f.digest === '' ? empty : f.digest} 0${f.mode.toString(8)} ${f.user} ${f.group} ${config} ${doc} ${f.rdev} ${f.linkTarget === '' ? 'X' : f.linkTarget}`;
  });
}

/** `--list`. */
export function fileLines(header: Header): string[] {
  const files = packageFiles(header);
  return files.length === 0 ? ['(contains no files)'] : files.map((f) => f.path);
}

const scripts: readonly (readonly [string, number, number])[] = [
  ['pretrans', Tag.PreTrans, Tag.PreTransProg],
  ['preinstall', Tag.PreIn, Tag.PreInProg],
  ['postinstall', Tag.PostIn, Tag.PostInProg],
  ['preuninstall', Tag.PreUn, Tag.PreUnProg],
  ['postuninstall', Tag.PostUn, Tag.PostUnProg],
  ['posttrans', Tag.PostTrans, Tag.PostTransProg],
  ['verify', Tag.VerifyScript, Tag.VerifyScriptProg],
];

/** `--scripts`, every line ended. */
export function scriptsText(header: Header): string {
  let out = '';
  for (const [name, body, program] of scripts) {
    const words = header.has(program)
      ? header
          .getStrings(program)
          .map((w) => ` ${w}`)
          .join('')
      : undefined;
    if (header.has(body)) {
      // A script without interpreter tag has no "(using ...)".
      const using = words === undefined ? '' : ` (using${words})`;
      out += `${name} scriptlet${using}:\n${header.getString(body) ?? ''}\n`;
    } else if (words !== undefined) out += `${name} program:${words}\n`;
  }
  return out;
}

/** `--provides`, `--requires` and the others. */
export function dependencyLines(header: Header, kind: DependencyKind): string[] {
  return headerDependencies(header, kind).map(formatDependency);
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (n: number): string => String(n).padStart(2, '0');

/** rpm's `:day` format in UTC: `Wed Jan 01 2020`. */
export function dayText(seconds: number): string {
  const d = new Date(seconds * 1000);
  return `${weekdays[d.getUTCDay()]} ${months[d.getUTCMonth()]} ${two(d.getUTCDate())} ${d.getUTCFullYear()}`;
}

/** rpm's `:date` format in the C locale and UTC: `Wed Jan  1 12:00:00 2020`. */
export function dateText(seconds: number): string {
  const d = new Date(seconds * 1000);
  const time = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
  return `${weekdays[d.getUTCDay()]} ${months[d.getUTCMonth()]} ${String(d.getUTCDate()).padStart(2)} ${time} ${d.getUTCFullYear()}`;
}

/** `--changelog`: newest first, entries parted by a blank line. */
export function changelogText(header: Header): string {
  const times = header.getNumbers(Tag.ChangelogTime);
  const names = header.getStrings(Tag.ChangelogName);
  const texts = header.getStrings(Tag.ChangelogText);
  if (times.length === 0) return '';
  return times.map((time, i) => `* ${dayText(time)} ${names[i] ?? ''}\n${texts[i] ?? ''}\n\n`).join('');
}

const isString = (header: Header, tag: number): boolean => {
  const type = header.entry(tag)?.type;
  return type === HeaderType.String || type === HeaderType.StringArray || type === HeaderType.I18nString;
};

/** `--info`, times in UTC. */
export function infoText(header: Header): string {
  const text = (tag: number): string =>
    header.has(tag) && isString(header, tag) ? (header.getString(tag) ?? '') : '(none)';
  const epoch = header.getNumber(Tag.Epoch);
  const line = (label: string, value: string): string => `${label.padEnd(12)}: ${value}\n`;
  const optional = (label: string, tag: number): string => (header.has(tag) ? line(label, text(tag)) : '');
  const buildTime = header.getNumber(Tag.BuildTime);
  const installed = header.getNumber(Tag.InstallTime);
  return [
    line('Name', text(Tag.Name)),
    epoch === undefined ? '' : line('Epoch', String(epoch)),
    line('Version', text(Tag.Version)),
    line('Release', text(Tag.Release)),
    line('Architecture', text(Tag.Arch)),
    line('Install Date', installed === undefined ? '(not installed)' : dateText(installed)),
    line('Group', text(Tag.Group)),
    line('Size', String(header.getNumber(Tag.LongSize) ?? header.getNumber(Tag.Size) ?? 0)),
    line('License', text(Tag.License)),
    line('Source RPM', text(Tag.SourceRpm)),
    line('Build Date', buildTime === undefined ? '(none)' : dateText(buildTime)),
    line('Build Host', text(Tag.BuildHost)),
    optional('Packager', Tag.Packager),
    optional('Vendor', Tag.Vendor),
    optional('URL', Tag.Url),
    optional('Bug URL', Tag.BugUrl),
    line('Summary', text(Tag.Summary)),
    `Description :\n${text(Tag.Description)}\n`,
  ].join('');
}
