// One package in primary.xml, filelists.xml and other.xml, and the documents around them, in createrepo_c's layout.
import { parseEvr } from '../evr.ts';
import {
  isPrimaryFile,
  type RepoDependency,
  type RepoFile,
  type RepositoryPackage,
  repoDependencyKinds,
  writtenBase,
} from './repository-package.ts';
import { xmlAttribute, xmlElement, xmlText } from './xml-text.ts';

export type MetadataKind = 'primary' | 'filelists' | 'other';

/** Names of the comparisons of dependencies, by their flags. */
export const flagNames: readonly string[] = ['', '', 'LT', '', 'GT', '', 'NE', '', 'EQ', '', 'LE', '', 'GE', '', 'NE'];

// Texts are collected as lists and joined once: adding piece to piece leaves long chains, which cost more to put together.

function addEntry(out: string[], dependency: RepoDependency): void {
  out.push('      <rpm:entry name="', xmlAttribute(dependency.name));
  const flag = flagNames[dependency.flags];
  if (flag) {
    const { epoch, version, release } = parseEvr(dependency.evr);
    out.push(`" flags="${flag}" epoch="${epoch ?? '0'}" ver="`, xmlAttribute(version));
    if (release !== undefined && release !== '') out.push('" rel="', xmlAttribute(release));
  }
  out.push(dependency.pre ? '" pre="1"/>\n' : '"/>\n');
}

const fileTags = { file: '<file>', dir: '<file type="dir">', ghost: '<file type="ghost">' } as const;

function addFile(out: string[], indent: string, file: RepoFile): void {
  out.push(indent, fileTags[file.type], xmlText(file.path), '</file>\n');
}

const versionLine = (pkg: RepositoryPackage): string =>
  `  <version epoch="${pkg.epoch}" ver="${xmlAttribute(pkg.version)}" rel="${xmlAttribute(pkg.release)}"/>\n`;

function primaryXml(pkg: RepositoryPackage): string {
  const written = writtenBase(pkg.location.base);
  const base = written === undefined ? '' : ` xml:base="${xmlAttribute(written)}"`;
  const out = [
    `<package type="rpm">
  ${xmlElement('name', pkg.name)}
  ${xmlElement('arch', pkg.arch)}
${versionLine(pkg)}  <checksum type="${xmlAttribute(pkg.checksum.type)}" pkgid="YES">${xmlText(pkg.checksum.value)}</checksum>
  ${xmlElement('summary', pkg.summary)}
  ${xmlElement('description', pkg.description)}
  ${xmlElement('packager', pkg.packager)}
  ${xmlElement('url', pkg.url)}
  <time file="${pkg.time.file}" build="${pkg.time.build}"/>
  <size package="${pkg.size.package}" installed="${pkg.size.installed}" archive="${pkg.size.archive}"/>
  <location${base} href="${xmlAttribute(pkg.location.href)}"/>
  <format>
    ${xmlElement('rpm:license', pkg.license)}
    ${xmlElement('rpm:vendor', pkg.vendor)}
    ${xmlElement('rpm:group', pkg.group)}
    ${xmlElement('rpm:buildhost', pkg.buildHost)}
    ${xmlElement('rpm:sourcerpm', pkg.sourceRpm)}
    <rpm:header-range start="${pkg.headerRange.start}" end="${pkg.headerRange.end}"/>
`,
  ];
  for (const kind of repoDependencyKinds) {
    const list = pkg[kind];
    if (list.length === 0) continue;
    out.push(`    <rpm:${kind}>\n`);
    for (const dependency of list) addEntry(out, dependency);
    out.push(`    </rpm:${kind}>\n`);
  }
  if (pkg.fileList !== undefined) {
    for (const file of pkg.fileList) if (isPrimaryFile(file.path)) addFile(out, '    ', file);
  } else for (const path of pkg.files) addFile(out, '    ', { path, type: 'file' });
  out.push('  </format>\n</package>\n');
  return out.join('');
}

const head = (pkg: RepositoryPackage): string =>
  `<package pkgid="${xmlAttribute(pkg.checksum.value)}" name="${xmlAttribute(pkg.name)}" arch="${xmlAttribute(pkg.arch)}">\n${versionLine(pkg)}`;

function filelistsXml(pkg: RepositoryPackage): string {
  const out = [head(pkg)];
  for (const file of pkg.fileList ?? []) addFile(out, '  ', file);
  out.push('</package>\n');
  return out.join('');
}

function otherXml(pkg: RepositoryPackage): string {
  const out = [head(pkg)];
  for (const { author, date, text } of pkg.changelogs ?? [])
    out.push(`  <changelog author="${xmlAttribute(author)}" date="${date}">`, xmlText(text), '</changelog>\n');
  out.push('</package>\n');
  return out.join('');
}

/** The `<package>` element of one package. */
export function packageXml(kind: MetadataKind, pkg: RepositoryPackage): string {
  return kind === 'primary' ? primaryXml(pkg) : kind === 'filelists' ? filelistsXml(pkg) : otherXml(pkg);
}

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

const documents: Readonly<Record<MetadataKind, readonly [string, string]>> = {
  primary: [
    '<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm"',
    '</metadata>',
  ],
  filelists: ['<filelists xmlns="http://linux.duke.edu/metadata/filelists"', '</filelists>'],
  other: ['<otherdata xmlns="http://linux.duke.edu/metadata/other"', '</otherdata>'],
};

/** What comes before the first `<package>`. */
export function documentStart(kind: MetadataKind, count: number): string {
  return `${declaration}${documents[kind][0]} packages="${count}">\n`;
}

/** What comes after the last one: createrepo_c ends its documents without a newline. */
export function documentEnd(kind: MetadataKind): string {
  return documents[kind][1];
}

/** A whole document in pieces of about 64 KiB. */
export function* metadataChunks(kind: MetadataKind, count: number, packages: Iterable<string>): Generator<Uint8Array> {
  let text = documentStart(kind, count);
  for (const xml of packages) {
    text += xml;
    if (text.length > 65536) {
      yield Buffer.from(text);
      text = '';
    }
  }
  yield Buffer.from(text + documentEnd(kind));
}
