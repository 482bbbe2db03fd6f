// What createrepo says about a package, straight from the bytes of its headers into those of the three documents: the same as
// `packageXml` of what `describePackage` says, without the values in between, which take longer to make than all else. What
// is unusual (no UTF-8, tags of old packages, malformed headers) is left to those.
import { HeaderType, SigTag, Tag } from '../header/tag.ts';
import { leadSize } from '../package/lead.ts';
import { HeaderDependencies } from './header-dependencies.ts';
import { HeaderFiles } from './header-files.ts';
import { HeaderIndex } from './header-index.ts';
import { repoDependencyKinds } from './repository-package.ts';
import type { XmlGap, XmlPieces } from './xml-pieces.ts';
import { xmlAttribute } from './xml-text.ts';

const literal = (text: string): Buffer => Buffer.from(text, 'latin1');
const nothing = literal('\0');
const src = literal('src\0');

/** `<NAME>text</NAME>` elements: what comes before the text, and the tag of it. */
const beforeFormat = (
  [
    ['</checksum>\n  <summary>', Tag.Summary],
    ['</summary>\n  <description>', Tag.Description],
    ['</description>\n  <packager>', Tag.Packager],
    ['</packager>\n  <url>', Tag.Url],
  ] as const
).map(([before, tag]) => [literal(before), tag] as const);
const inFormat = (
  [
    ['  <format>\n    <rpm:license>', Tag.License],
    ['</rpm:license>\n    <rpm:vendor>', Tag.Vendor],
    ['</rpm:vendor>\n    <rpm:group>', Tag.Group],
    ['</rpm:group>\n    <rpm:buildhost>', Tag.BuildHost],
    ['</rpm:buildhost>\n    <rpm:sourcerpm>', Tag.SourceRpm],
  ] as const
).map(([before, tag]) => [literal(before), tag] as const);

const nameStart = literal('<package type="rpm">\n  <name>');
const archStart = literal('</name>\n  <arch>');
const archEnd = literal('</arch>\n');
const versionStart = literal('" ver="');
const releaseStart = literal('" rel="');
const versionEnd = literal('"/>\n');
const pkgidStart = literal('<package pkgid="');
const pkgidName = literal('" name="');
const pkgidArch = literal('" arch="');
const pkgidEnd = literal('">\n');
const formatEnd = literal('  </format>\n</package>\n');
const packageEnd = literal('</package>\n');
const changelogStart = literal('  <changelog author="');
const changelogDate = literal('" date="');
const changelogEnd = literal('</changelog>\n');

export interface HeaderXmlOptions {
  /** As metadata name it, e.g. `sha256`. */
  readonly checksum: string;
  /** Digits of its hex form. */
  readonly digestLength: number;
  readonly changelogLimit: number;
  readonly baseUrl: string | undefined;
}

/** What the headers do not say. */
export interface HeaderXmlFacts {
  /** Hex; undefined leaves gaps. */
  readonly digest: string | undefined;
  readonly fileSize: number;
  /** Seconds. */
  readonly fileTime: number;
  readonly href: string;
}

/** Where a digest is missing: one place in each document. */
export type DigestGaps = readonly XmlGap[];

export interface HeaderXmlDocuments {
  readonly primary: XmlPieces;
  readonly filelists: XmlPieces;
  readonly other: XmlPieces;
}

export class HeaderXml {
  readonly #documents: HeaderXmlDocuments;
  readonly #options: HeaderXmlOptions;
  readonly #signature = new HeaderIndex();
  readonly #index = new HeaderIndex();
  readonly #dependencies: HeaderDependencies;
  readonly #files: HeaderFiles;
  readonly #checksumStart: Buffer;
  readonly #locationStart: string;
  #bytes: Buffer = nothing;
  #gaps: XmlGap[] = [];

  constructor(documents: HeaderXmlDocuments, options: HeaderXmlOptions) {
    this.#documents = documents;
    this.#options = options;
    const { primary, filelists } = documents;
    this.#dependencies = new HeaderDependencies(primary, this.#index);
    this.#files = new HeaderFiles(this.#index, primary, filelists);
    this.#checksumStart = literal(`  <checksum type="${options.checksum}" pkgid="YES">`);
    const base = options.baseUrl === undefined ? '' : ` xml:base="${xmlAttribute(options.baseUrl)}"`;
    this.#locationStart = `"/>\n  <location${base} href="`;
  }

  /** Where the headers of the package end whose first `length` bytes are in `bytes`; 0 when they do not say. */
  static extent(bytes: Buffer, length: number): number {
    if (length < leadSize + 16) return 0;
    const signature = leadSize + 16 + bytes.readUInt32BE(leadSize + 8) * 16 + bytes.readUInt32BE(leadSize + 12);
    const start = signature + ((8 - (signature % 8)) % 8);
    return start + 16 > length ? 0 : start + 16 + bytes.readUInt32BE(start + 8) * 16 + bytes.readUInt32BE(start + 12);
  }

  /**
   * Writes a package whose headers are in `bytes`, up to `length`. Undefined, and nothing written, when something is unusual;
   * else the gaps for its digest.
   */
  write(bytes: Buffer, length: number, facts: HeaderXmlFacts): DigestGaps | undefined {
    const { primary, filelists, other } = this.#documents;
    if (length < leadSize || bytes.readUInt32BE(0) !== 0xedabeedb || bytes.readUInt16BE(6) > 1) return undefined;
    if (!this.#signature.read(bytes, leadSize, length)) return undefined;
    const { end } = this.#signature;
    const start = end + ((8 - (end % 8)) % 8);
    if (!this.#index.read(bytes, start, length)) return undefined;
    this.#bytes = bytes;
    this.#gaps = [];
    primary.save();
    filelists.save();
    other.save();
    if (this.#write(start, facts)) return this.#gaps;
    primary.takeBack();
    filelists.takeBack();
    other.takeBack();
    return undefined;
  }

  /** Where a text lies that is there; -1 when it is none. */
  #textAt(tag: number): number {
    const type = this.#index.type(tag);
    const fine = type === HeaderType.String || type === HeaderType.I18nString || type === HeaderType.StringArray;
    return fine && this.#index.count(tag) > 0 ? this.#index.at(tag) : -1;
  }

  #text(out: XmlPieces, tag: number): boolean {
    if (!this.#index.has(tag)) return true;
    const at = this.#textAt(tag);
    if (at < 0) return false;
    const end = out.text(this.#bytes, at);
    return end >= 0 && end < this.#index.end;
  }

  #attribute(out: XmlPieces, tag: number): boolean {
    const at = this.#textAt(tag);
    if (at < 0) return false;
    const end = out.attribute(this.#bytes, at);
    return end >= 0 && end < this.#index.end;
  }

  #digest(out: XmlPieces, digest: string | undefined): void {
    if (digest === undefined) this.#gaps.push(out.gap(this.#options.digestLength));
    else out.ascii(digest);
  }

  #version(out: XmlPieces, epoch: number): boolean {
    out.ascii(`  <version epoch="${epoch}`);
    out.tag(versionStart);
    if (!this.#attribute(out, Tag.Version)) return false;
    out.tag(releaseStart);
    if (!this.#attribute(out, Tag.Release)) return false;
    out.tag(versionEnd);
    return true;
  }

  #write(start: number, facts: HeaderXmlFacts): boolean {
    const index = this.#index;
    const bytes = this.#bytes;
    const { primary, filelists, other } = this.#documents;
    const { digest } = facts;
    const epoch = index.number(Tag.Epoch) ?? 0;
    const build = index.number(Tag.BuildTime) ?? 0;
    const installed = index.number(Tag.Size) ?? index.number(Tag.LongSize) ?? 0;
    const archive =
      this.#signature.number(SigTag.PayloadSize) ??
      index.number(Tag.ArchiveSize) ??
      this.#signature.number(Tag.LongArchiveSize) ??
      0;
    if (epoch < 0 || build < 0 || installed < 0 || archive < 0) return false;
    const isSource = index.has(Tag.SourcePackage);
    if (!isSource && !index.has(Tag.SourceRpm)) return false;
    const archAt = index.has(Tag.Arch) ? this.#textAt(Tag.Arch) : 0;
    if (archAt < 0) return false;
    const [arch, archFrom] = isSource ? [src, 0] : archAt === 0 ? [nothing, 0] : [bytes, archAt];

    primary.tag(nameStart);
    if (this.#textAt(Tag.Name) < 0 || !this.#text(primary, Tag.Name)) return false;
    primary.tag(archStart);
    if (primary.text(arch, archFrom) < 0) return false;
    primary.tag(archEnd);
    if (!this.#version(primary, epoch)) return false;
    primary.tag(this.#checksumStart);
    this.#digest(primary, digest);
    for (const [before, tag] of beforeFormat) {
      primary.tag(before);
      if (!this.#text(primary, tag)) return false;
    }
    primary.ascii(
      `</url>\n  <time file="${facts.fileTime}" build="${build}"/>\n  <size package="${facts.fileSize}" installed="${installed}" archive="${archive}`,
    );
    primary.xml(`${this.#locationStart}${xmlAttribute(facts.href)}"/>\n`);
    for (const [before, tag] of inFormat) {
      primary.tag(before);
      if (!this.#text(primary, tag)) return false;
    }
    primary.ascii(`</rpm:sourcerpm>\n    <rpm:header-range start="${start}" end="${index.end}"/>\n`);
    if (!this.#files.read(bytes)) return false;
    for (const kind of repoDependencyKinds) if (!this.#dependencies.write(bytes, kind, this.#files)) return false;

    for (const out of [filelists, other]) {
      out.tag(pkgidStart);
      this.#digest(out, digest);
      out.tag(pkgidName);
      if (!this.#attribute(out, Tag.Name)) return false;
      out.tag(pkgidArch);
      if (out.attribute(arch, archFrom) < 0) return false;
      out.tag(pkgidEnd);
      if (!this.#version(out, epoch)) return false;
    }
    if (!this.#files.write()) return false;
    primary.tag(formatEnd);
    filelists.tag(packageEnd);
    if (!this.#changelog(other)) return false;
    other.tag(packageEnd);
    return true;
  }

  /** Newest last. */
  #changelog(out: XmlPieces): boolean {
    const index = this.#index;
    const bytes = this.#bytes;
    const count = index.count(Tag.ChangelogTime);
    if (count === 0) return !index.has(Tag.ChangelogTime) && !index.has(Tag.ChangelogName);
    const times = index.words(Tag.ChangelogTime, count);
    let name = index.strings(Tag.ChangelogName, count);
    let text = index.strings(Tag.ChangelogText, count);
    if (times < 0 || name < 0 || text < 0) return false;
    const entries: { readonly name: number; readonly text: number; readonly date: number }[] = [];
    let last = -1;
    for (let i = 0; i < count && i < this.#options.changelogLimit; i++) {
      const date = index.word(times + i * 4);
      // Entries of one second are told apart by moving some of them.
      if (date === last) return false;
      last = date;
      entries.push({ name, text, date });
      name = bytes.indexOf(0, name) + 1;
      text = bytes.indexOf(0, text) + 1;
      if (name === 0 || text === 0 || name > index.end || text > index.end) return false;
    }
    for (const entry of entries.reverse()) {
      out.tag(changelogStart);
      if (out.attribute(bytes, entry.name) < 0) return false;
      out.tag(changelogDate);
      out.ascii(`${entry.date}">`);
      if (out.text(bytes, entry.text) < 0) return false;
      out.tag(changelogEnd);
    }
    return true;
  }
}
