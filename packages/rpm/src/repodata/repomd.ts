// repomd.xml: the index of a repository's metadata files.
import { CoppiceError } from '@coppice/base';
import { parseXml, type XmlElement } from './xml-document.ts';
import { xmlAttribute, xmlElement, xmlText } from './xml-text.ts';

export interface RepomdChecksum {
  readonly type: string;
  readonly value: string;
}

export interface RepomdRecord {
  /** `primary`, `filelists`, `other`, `updateinfo`, `group`, `modules`, `primary_db`, `primary_zck` ... */
  readonly type: string;
  readonly checksum: RepomdChecksum;
  /** Of the uncompressed file. */
  readonly openChecksum?: RepomdChecksum;
  /** Of a zchunk file's header. */
  readonly headerChecksum?: RepomdChecksum;
  readonly href: string;
  readonly base?: string;
  readonly timestamp: number;
  readonly size: number;
  readonly openSize?: number;
  readonly headerSize?: number;
  readonly databaseVersion?: number;
}

export interface Repomd {
  readonly revision: string;
  readonly contentTags: readonly string[];
  readonly repoTags: readonly string[];
  readonly distroTags: readonly { readonly cpeid?: string; readonly text: string }[];
  readonly records: readonly RepomdRecord[];
}

function tagsXml(repomd: Repomd): string {
  if (repomd.contentTags.length + repomd.repoTags.length + repomd.distroTags.length === 0) return '';
  let out = '  <tags>\n';
  for (const tag of repomd.contentTags) out += `    ${xmlElement('content', tag)}\n`;
  for (const tag of repomd.repoTags) out += `    ${xmlElement('repo', tag)}\n`;
  for (const { cpeid, text } of repomd.distroTags)
    out += `    <distro${cpeid === undefined ? '' : ` cpeid="${xmlAttribute(cpeid)}"`}>${xmlText(text)}</distro>\n`;
  return `${out}  </tags>\n`;
}

function recordXml(record: RepomdRecord): string {
  const checksum = (name: string, sum: RepomdChecksum): string =>
    `    <${name} type="${xmlAttribute(sum.type)}">${xmlText(sum.value)}</${name}>\n`;
  const base = record.base === undefined ? '' : ` xml:base="${xmlAttribute(record.base)}"`;
  let out = `  <data type="${xmlAttribute(record.type)}">\n${checksum('checksum', record.checksum)}`;
  if (record.openChecksum !== undefined) out += checksum('open-checksum', record.openChecksum);
  if (record.headerChecksum !== undefined) out += checksum('header-checksum', record.headerChecksum);
  out += `    <location${base} href="${xmlAttribute(record.href)}"/>\n`;
  out += `    <timestamp>${record.timestamp}</timestamp>\n    <size>${record.size}</size>\n`;
  if (record.openSize !== undefined) out += `    <open-size>${record.openSize}</open-size>\n`;
  if (record.headerSize !== undefined) out += `    <header-size>${record.headerSize}</header-size>\n`;
  if (record.databaseVersion !== undefined)
    out += `    <database_version>${record.databaseVersion}</database_version>\n`;
  return `${out}  </data>\n`;
}

/** As createrepo_c lays it out. */
export function writeRepomd(repomd: Repomd): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
  <revision>${xmlText(repomd.revision)}</revision>
${tagsXml(repomd)}${repomd.records.map(recordXml).join('')}</repomd>
`;
}

const repomdLimit = 4 * 1024 * 1024;

function checksumOf(element: XmlElement | undefined): RepomdChecksum | undefined {
  if (element === undefined) return undefined;
  const type = element.attributes['type'];
  const value = element.text.trim();
  if (type === undefined || !/^[0-9a-fA-F]{8,128}$/.test(value))
    throw new CoppiceError('Invalid', 'repomd.xml: malformed checksum');
  return { type, value: value.toLowerCase() };
}

function numberOf(element: XmlElement | undefined): number | undefined {
  if (element === undefined) return undefined;
  // Timestamps of old repositories have a fraction.
  const value = Math.trunc(Number(element.text.trim()));
  if (!Number.isSafeInteger(value) || value < 0) throw new CoppiceError('Invalid', 'repomd.xml: malformed number');
  return value;
}

/** A repository-relative path that stays inside: no scheme, no leading slash, no `..`. */
export function checkHref(href: string): string {
  const fine =
    href !== '' &&
    href.length <= 4096 &&
    !href.startsWith('/') &&
    !/^[a-z][a-z0-9+.-]*:/i.test(href) &&
    !/[\0\\]/.test(href) &&
    href.split('/').every((part) => part !== '..');
  if (!fine) throw new CoppiceError('Invalid', `unsafe location ${JSON.stringify(href)}`);
  return href;
}

function parseRecord(data: XmlElement): RepomdRecord {
  const type = data.attributes['type'];
  const checksum = checksumOf(data.child('checksum'));
  const location = data.child('location');
  const href = location?.attributes['href'];
  if (type === undefined || checksum === undefined || href === undefined)
    throw new CoppiceError('Invalid', 'repomd.xml: data without type, checksum or location');
  const optional = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
    (value === undefined ? {} : { [key]: value }) as Partial<Record<K, V>>;
  return {
    type,
    checksum,
    href: checkHref(href),
    timestamp: numberOf(data.child('timestamp')) ?? 0,
    size: numberOf(data.child('size')) ?? 0,
    ...optional('openChecksum', checksumOf(data.child('open-checksum'))),
    ...optional('headerChecksum', checksumOf(data.child('header-checksum'))),
    ...optional('base', location?.attributes['xml:base']),
    ...optional('openSize', numberOf(data.child('open-size'))),
    ...optional('headerSize', numberOf(data.child('header-size'))),
    ...optional('databaseVersion', numberOf(data.child('database_version'))),
  };
}

/** Throws `Invalid` on anything that is not a repomd document, `Limit` above 4 MiB. */
export function parseRepomd(bytes: Uint8Array): Repomd {
  if (bytes.length > repomdLimit) throw new CoppiceError('Limit', 'repomd.xml is too large');
  const root = parseXml(bytes, 'repomd.xml');
  if (root.name !== 'repomd') throw new CoppiceError('Invalid', 'repomd.xml: no <repomd> element');
  const tags = root.child('tags');
  return {
    revision: root.child('revision')?.text.trim() ?? '',
    contentTags: tags?.all('content').map((e) => e.text) ?? [],
    repoTags: tags?.all('repo').map((e) => e.text) ?? [],
    distroTags:
      tags?.all('distro').map((e) => ({
        text: e.text,
        ...(e.attributes['cpeid'] === undefined ? {} : { cpeid: e.attributes['cpeid'] }),
      })) ?? [],
    records: root.all('data').map(parseRecord),
  };
}
