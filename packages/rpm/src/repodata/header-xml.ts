// What createrepo says about a package, straight from the texts of its headers into the three documents: the same as
// `packageXml` of what `describePackage` says, without the values in between, which take longer to make than all else. What
// is unusual (no UTF-8, tags of old packages, malformed headers) is left to those.
import { SigTag, Tag } from '../header/tag.ts';
import { leadSize } from '../package/lead.ts';
import { HeaderDependencies } from './header-dependencies.ts';
import { HeaderFiles } from './header-files.ts';
import { HeaderIndex } from './header-index.ts';
import { HeaderText } from './header-text.ts';
import { repoDependencyKinds } from './repository-package.ts';
import type { XmlGap, XmlPieces } from './xml-pieces.ts';
import { xmlAttribute } from './xml-text.ts';

/** `<NAME>text</NAME>` elements: what comes before the text, and the tag of it. */
const beforeFormat = [
  ['</checksum>\n  <summary>', Tag.Summary],
  ['</summary>\n  <description>', Tag.Description],
  ['</description>\n  <packager>', Tag.Packager],
  ['</packager>\n  <url>', Tag.Url],
] as const;
const inFormat = [
  ['  <format>\n    <rpm:license>', Tag.License],
  ['</rpm:license>\n    <rpm:vendor>', Tag.Vendor],
  ['</rpm:vendor>\n    <rpm:group>', Tag.Group],
  ['</rpm:group>\n    <rpm:buildhost>', Tag.BuildHost],
  ['</rpm:buildhost>\n    <rpm:sourcerpm>', Tag.SourceRpm],
] as const;

const pkgidStart = '<package pkgid="';

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

/** An element before and after its digest, as texts of bytes. */
type Parts = readonly [string, string];

export class HeaderXml {
  readonly #documents: HeaderXmlDocuments;
  readonly #options: HeaderXmlOptions;
  readonly #signature = new HeaderIndex();
  readonly #index = new HeaderIndex();
  readonly #text = new HeaderText();
  readonly #dependencies = new HeaderDependencies(this.#index, this.#text);
  readonly #files = new HeaderFiles(this.#index, this.#text);
  readonly #checksumStart: string;
  readonly #locationStart: string;

  constructor(documents: HeaderXmlDocuments, options: HeaderXmlOptions) {
    this.#documents = documents;
    this.#options = options;
    this.#checksumStart = `  <checksum type="${options.checksum}" pkgid="YES">`;
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
    this.#text.odd = false;
    const parts = this.#parts(start, facts);
    if (parts === undefined || this.#text.odd) return undefined;
    const gaps: XmlGap[] = [];
    [primary, filelists, other].forEach((out, i) => {
      const [before, after] = parts[i]!;
      if (facts.digest !== undefined) out.bytes(before + facts.digest + after);
      else {
        out.bytes(before);
        gaps.push(out.gap(this.#options.digestLength));
        out.bytes(after);
      }
    });
    return gaps;
  }

  /** The content of an element, empty when it is not there; undefined when it is no text. */
  #content(tag: number): string | undefined {
    if (!this.#index.has(tag)) return '';
    const text = this.#index.text(tag);
    return text === undefined ? undefined : this.#text.content(text);
  }

  #elements(list: typeof beforeFormat | typeof inFormat): string | undefined {
    let xml = '';
    for (const [before, tag] of list) {
      const content = this.#content(tag);
      if (content === undefined) return undefined;
      xml += before + content;
    }
    return xml;
  }

  /** The elements of the three documents. */
  #parts(start: number, facts: HeaderXmlFacts): readonly Parts[] | undefined {
    const index = this.#index;
    const text = this.#text;
    const epoch = index.number(Tag.Epoch) ?? 0;
    const build = index.number(Tag.BuildTime) ?? 0;
    const installed = index.number(Tag.Size) ?? index.number(Tag.LongSize) ?? 0;
    const archive =
      this.#signature.number(SigTag.PayloadSize) ??
      index.number(Tag.ArchiveSize) ??
      this.#signature.number(Tag.LongArchiveSize) ??
      0;
    if (epoch < 0 || build < 0 || installed < 0 || archive < 0) return undefined;
    const isSource = index.has(Tag.SourcePackage);
    if (!isSource && !index.has(Tag.SourceRpm)) return undefined;
    const ownArch = index.has(Tag.Arch) ? index.text(Tag.Arch) : '';
    const arch = isSource ? 'src' : ownArch;
    const name = index.text(Tag.Name);
    const version = index.text(Tag.Version);
    const release = index.text(Tag.Release);
    const described = this.#elements(beforeFormat);
    const formatted = this.#elements(inFormat);
    if (ownArch === undefined || arch === undefined || name === undefined) return undefined;
    if (version === undefined || release === undefined) return undefined;
    if (described === undefined || formatted === undefined || !this.#files.read()) return undefined;
    const changelog = this.#changelog();
    if (changelog === undefined) return undefined;

    let format = '';
    for (const kind of repoDependencyKinds) {
      const list = this.#dependencies.xml(kind, this.#files);
      if (list === undefined) return undefined;
      format += list;
    }
    const evr = `  <version epoch="${epoch}" ver="${text.attribute(version)}" rel="${text.attribute(release)}"/>\n`;
    const head = `" name="${text.attribute(name)}" arch="${text.attribute(arch)}">\n${evr}`;
    const times = `  <time file="${facts.fileTime}" build="${build}"/>\n`;
    const sizes = `  <size package="${facts.fileSize}" installed="${installed}" archive="${archive}`;
    const location = `${this.#locationStart}${xmlAttribute(facts.href)}"/>\n`;
    const range = `</rpm:sourcerpm>\n    <rpm:header-range start="${start}" end="${index.end}"/>\n`;
    return [
      [
        `<package type="rpm">\n  <name>${text.content(name)}</name>\n  <arch>${text.content(arch)}</arch>\n${evr}${this.#checksumStart}`,
        `${described}</url>\n${times}${sizes}${location}${formatted}${range}${format}${this.#files.primary}  </format>\n</package>\n`,
      ],
      [pkgidStart, `${head}${this.#files.filelists}</package>\n`],
      [pkgidStart, `${head}${changelog}</package>\n`],
    ];
  }

  /** Newest last. */
  #changelog(): string | undefined {
    const index = this.#index;
    const count = index.count(Tag.ChangelogTime);
    if (count === 0) return index.has(Tag.ChangelogTime) || index.has(Tag.ChangelogName) ? undefined : '';
    const some = Math.min(count, this.#options.changelogLimit);
    const times = index.words(Tag.ChangelogTime, count);
    const names = index.texts(Tag.ChangelogName, count, some);
    const texts = index.texts(Tag.ChangelogText, count, some);
    if (times < 0 || names === undefined || texts === undefined) return undefined;
    const { numbers } = index;
    let xml = '';
    for (let i = some - 1; i >= 0; i--) {
      const time = numbers[times + i]!;
      // Entries of one second are told apart by moving some of them.
      if (i > 0 && time === numbers[times + i - 1]) return undefined;
      const author = this.#text.attribute(names[i]!);
      xml += `  <changelog author="${author}" date="${time}">${this.#text.content(texts[i]!)}</changelog>\n`;
    }
    return xml;
  }
}
