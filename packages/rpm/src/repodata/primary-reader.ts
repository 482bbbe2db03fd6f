// primary.xml into a package table, in one pass over the bytes.
import { CoppiceError } from '@coppice/base';
import {
  detailColumns,
  listColumns,
  numberColumns,
  type PackageTable,
  preBit,
  TableBuilder,
  textColumns,
  Words,
} from './package-table.ts';
import { checkHref } from './repomd.ts';
import { repoDependencyKinds } from './repository-package.ts';
import { StringTable } from './string-table.ts';
import { packageElements, XmlScanner, xmlEvent } from './xml-scanner.ts';

type Action =
  | { readonly kind: 'text' | 'detail'; readonly column: number }
  | { readonly kind: 'numbers'; readonly names: readonly Buffer[]; readonly columns: readonly number[] }
  | { readonly kind: 'list'; readonly list: number }
  | { readonly kind: 'version' | 'checksum' | 'location' | 'file' | 'entry' | 'none' };

const column = (name: (typeof textColumns)[number]): number => textColumns.indexOf(name);
const detailColumn = (name: (typeof detailColumns)[number]): number => detailColumns.indexOf(name);
const numberColumn = (name: (typeof numberColumns)[number]): number => numberColumns.indexOf(name);
const bytes = (text: string): Buffer => Buffer.from(text);

// Made for the first document: who only writes some has no use for it.
const allActions = (): Map<string, Action> =>
  new Map<string, Action>([
    ['name', { kind: 'text', column: column('name') }],
    ['arch', { kind: 'text', column: column('arch') }],
    ['summary', { kind: 'detail', column: detailColumn('summary') }],
    ['description', { kind: 'detail', column: detailColumn('description') }],
    ['packager', { kind: 'detail', column: detailColumn('packager') }],
    ['url', { kind: 'detail', column: detailColumn('url') }],
    ['rpm:license', { kind: 'detail', column: detailColumn('license') }],
    ['rpm:vendor', { kind: 'text', column: column('vendor') }],
    ['rpm:group', { kind: 'detail', column: detailColumn('group') }],
    ['rpm:buildhost', { kind: 'detail', column: detailColumn('buildHost') }],
    ['rpm:sourcerpm', { kind: 'detail', column: detailColumn('sourceRpm') }],
    ['version', { kind: 'version' }],
    ['checksum', { kind: 'checksum' }],
    ['location', { kind: 'location' }],
    ['file', { kind: 'file' }],
    ['rpm:entry', { kind: 'entry' }],
    [
      'time',
      {
        kind: 'numbers',
        names: [bytes('file'), bytes('build')],
        columns: [numberColumn('timeFile'), numberColumn('timeBuild')],
      },
    ],
    [
      'size',
      {
        kind: 'numbers',
        names: [bytes('package'), bytes('installed'), bytes('archive')],
        columns: [numberColumn('sizePackage'), numberColumn('sizeInstalled'), numberColumn('sizeArchive')],
      },
    ],
    [
      'rpm:header-range',
      {
        kind: 'numbers',
        names: [bytes('start'), bytes('end')],
        columns: [numberColumn('headerStart'), numberColumn('headerEnd')],
      },
    ],
    ...repoDependencyKinds.map((kind, list): [string, Action] => [`rpm:${kind}`, { kind: 'list', list }]),
  ]);
let actions: Map<string, Action> | undefined;
const none: Action = { kind: 'none' };

const flagBits: Readonly<Record<string, number>> = { EQ: 8, LT: 2, GT: 4, LE: 10, GE: 12, NE: 6 };

const attributeNames = {
  name: bytes('name'),
  flags: bytes('flags'),
  epoch: bytes('epoch'),
  ver: bytes('ver'),
  rel: bytes('rel'),
  pre: bytes('pre'),
  type: bytes('type'),
  href: bytes('href'),
  base: bytes('xml:base'),
};

class PrimaryParser {
  readonly #builder = new TableBuilder();
  readonly #scanner = new XmlScanner('primary.xml');
  /** Whole `rpm:entry` tags seen before, and what dependency each one is. */
  readonly #entries = new StringTable();
  readonly #entryDependencies: number[] = [];
  readonly #names = new StringTable();
  readonly #nameActions: Action[] = [none];
  readonly #texts = new Uint32Array(textColumns.length);
  readonly #details = new Uint32Array(detailColumns.length);
  readonly #numbers = new Float64Array(numberColumns.length);
  readonly #lists = Array.from({ length: listColumns }, () => new Words(64));

  parse(element: Buffer): void {
    const scanner = this.#scanner;
    scanner.reset(element);
    this.#texts.fill(0);
    this.#details.fill(0);
    this.#numbers.fill(0);
    for (const list of this.#lists) list.length = 0;
    let action: Action = none;
    let current = 0;
    let isRpm = true;
    const lists = this.#lists;
    for (;;) {
      const event = scanner.next();
      if (event === xmlEvent.end) break;
      if (event === xmlEvent.text) {
        if (action === none || scanner.depth < 2) continue;
        if (action.kind === 'text') this.#texts[action.column] = this.#text(scanner.textStart, scanner.textEnd);
        else if (action.kind === 'detail')
          this.#details[action.column] = this.#detail(scanner.textStart, scanner.textEnd);
        else if (action.kind === 'checksum') this.#details[1] = this.#detail(scanner.textStart, scanner.textEnd);
        else if (action.kind === 'file') lists[listColumns - 1]!.push(this.#text(scanner.textStart, scanner.textEnd));
        continue;
      }
      if (event === xmlEvent.close) {
        action = none;
        continue;
      }
      if (scanner.depth === 1) {
        const type = scanner.attribute('type');
        isRpm = type === undefined || type === 'rpm';
        continue;
      }
      action = this.#action();
      switch (action.kind) {
        case 'list':
          current = action.list;
          break;
        case 'entry':
          lists[current]!.push(this.#entry());
          break;
        case 'numbers':
          for (let i = 0; i < action.names.length; i++)
            this.#numbers[action.columns[i]!] = this.#number(action.names[i]!);
          break;
        case 'version':
          this.#version();
          break;
        case 'checksum':
          this.#details[0] = this.#detailAttribute(attributeNames.type);
          break;
        case 'location':
          this.#details[10] = this.#detailAttribute(attributeNames.href);
          this.#details[11] = this.#detailAttribute(attributeNames.base);
          break;
        default:
      }
    }
    if (!isRpm) return;
    if (this.#texts[0] === 0 || this.#details[1] === 0) throw scanner.bad('package without name or checksum');
    checkHref(this.#builder.detailStrings.looseText(this.#details[10]!));
    this.#builder.add(this.#texts, this.#details, this.#numbers, lists);
  }

  build(): PackageTable {
    return this.#builder.build();
  }

  #action(): Action {
    const { buffer, nameStart, nameEnd } = this.#scanner;
    const id = this.#names.intern(buffer, nameStart, nameEnd);
    if (id >= 4096) throw this.#scanner.bad('too many kinds of elements');
    let action = this.#nameActions[id];
    if (action === undefined) {
      actions ??= allActions();
      action = actions.get(this.#scanner.name()) ?? none;
      this.#nameActions[id] = action;
    }
    return action;
  }

  #intern(strings: StringTable, start: number, end: number): number {
    const scanner = this.#scanner;
    return scanner.hasEntity(start, end)
      ? strings.internText(scanner.decode(start, end))
      : strings.intern(scanner.buffer, start, end);
  }

  #text(start: number, end: number): number {
    return this.#intern(this.#builder.strings, start, end);
  }

  #detail(start: number, end: number): number {
    return this.#intern(this.#builder.detailStrings, start, end);
  }

  #detailAttribute(name: Buffer): number {
    const found = this.#scanner.findAttribute(name);
    if (found < 0) return 0;
    return this.#detail(this.#scanner.attributes[found + 2]!, this.#scanner.attributes[found + 3]!);
  }

  #attribute(name: Buffer): number {
    const found = this.#scanner.findAttribute(name);
    if (found < 0) return 0;
    return this.#text(this.#scanner.attributes[found + 2]!, this.#scanner.attributes[found + 3]!);
  }

  #number(name: Buffer): number {
    const { buffer, attributes } = this.#scanner;
    const found = this.#scanner.findAttribute(name);
    if (found < 0) return 0;
    let value = 0;
    for (let i = attributes[found + 2]!; i < attributes[found + 3]!; i++) {
      const digit = buffer[i]! - 48;
      if (digit < 0 || digit > 9) throw this.#scanner.bad('malformed number');
      value = value * 10 + digit;
    }
    if (value > Number.MAX_SAFE_INTEGER) throw this.#scanner.bad('malformed number');
    return value;
  }

  #evrText(): { epoch: number; version: number; release: number; evr: number } {
    const { strings } = this.#builder;
    const epoch = this.#attribute(attributeNames.epoch);
    const version = this.#attribute(attributeNames.ver);
    const release = this.#attribute(attributeNames.rel);
    const epochText = strings.text(epoch);
    const prefix = epochText === '' || epochText === '0' ? '' : `${epochText}:`;
    const suffix = release === 0 ? '' : `-${strings.text(release)}`;
    return { epoch, version, release, evr: strings.internText(prefix + strings.text(version) + suffix) };
  }

  #version(): void {
    const { epoch, version, release, evr } = this.#evrText();
    this.#texts[1] = epoch === 0 ? this.#builder.strings.internText('0') : epoch;
    this.#texts[2] = version;
    this.#texts[3] = release;
    this.#texts[4] = evr;
  }

  #entry(): number {
    const scanner = this.#scanner;
    // The bytes from the tag's name to the last attribute stand for all of it.
    const end = scanner.attributeCount === 0 ? scanner.nameEnd : scanner.attributes[scanner.attributeCount * 4 - 1]!;
    const id = this.#entries.intern(scanner.buffer, scanner.nameEnd, end);
    const known = this.#entryDependencies[id];
    if (known !== undefined) return known;
    const name = this.#attribute(attributeNames.name);
    const flagsAt = scanner.findAttribute(attributeNames.flags);
    const flagText =
      flagsAt < 0 ? '' : scanner.decode(scanner.attributes[flagsAt + 2]!, scanner.attributes[flagsAt + 3]!);
    const flags = flagBits[flagText] ?? 0;
    const preAt = scanner.findAttribute(attributeNames.pre);
    const pre = preAt >= 0 && scanner.buffer[scanner.attributes[preAt + 2]!] === 0x31 ? preBit : 0;
    const evr = flags === 0 ? 0 : this.#evrText().evr;
    const dependency = this.#builder.dependency(name, evr, flags | pre);
    this.#entryDependencies[id] = dependency;
    return dependency;
  }
}

/** Reads a whole primary.xml. Throws `Invalid` on malformed XML or unsafe locations, `Limit`. */
export function readPrimary(source: Iterable<Uint8Array>): PackageTable {
  const parser = new PrimaryParser();
  const head = (text: string): void => {
    if (!/<metadata[\s>]/.test(text)) throw new CoppiceError('Invalid', 'primary.xml: no <metadata> element');
  };
  for (const element of packageElements(source, 'primary.xml', head)) parser.parse(element);
  return parser.build();
}
