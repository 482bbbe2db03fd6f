// Many packages in few arrays: what primary.xml is parsed into and what the cache on disk holds.

import type { RepoChangelog, RepoDependency, RepoFile, RepositoryPackage } from './repository-package.ts';
import { repoDependencyKinds } from './repository-package.ts';
import type { StringTable } from './string-table.ts';
import { StringTable as Strings } from './string-table.ts';

/** What solving needs: string columns, one 32-bit string number each. */
export const textColumns = ['name', 'epoch', 'version', 'release', 'evr', 'arch', 'vendor'] as const;
export type TextColumn = (typeof textColumns)[number];

/** What is shown of a package: strings of a table of their own. */
export const detailColumns = [
  'checksumType',
  'checksum',
  'summary',
  'description',
  'packager',
  'url',
  'license',
  'group',
  'buildHost',
  'sourceRpm',
  'href',
  'base',
] as const;
export type DetailColumn = (typeof detailColumns)[number];

export const numberColumns = [
  'timeFile',
  'timeBuild',
  'sizePackage',
  'sizeInstalled',
  'sizeArchive',
  'headerStart',
  'headerEnd',
] as const;
export type NumberColumn = (typeof numberColumns)[number];

/** Lists of a package: the dependency kinds, then its primary files. Each starts where the one before ends. */
export const listColumns = repoDependencyKinds.length + 1;
const filesList = repoDependencyKinds.length;

/** Growing array of 32-bit numbers. */
export class Words {
  data: Uint32Array;
  length = 0;

  constructor(size = 1 << 12) {
    this.data = new Uint32Array(size);
  }

  push(value: number): void {
    if (this.length === this.data.length) {
      const grown = new Uint32Array(this.data.length * 2);
      grown.set(this.data);
      this.data = grown;
    }
    this.data[this.length++] = value;
  }

  view(): Uint32Array {
    return this.data.subarray(0, this.length);
  }
}

/** The parts of a table that only some packages are asked for. */
export interface TableDetails {
  readonly strings: StringTable;
  readonly texts: Uint32Array;
  readonly numbers: Float64Array;
}

export interface TableParts {
  readonly strings: StringTable;
  readonly texts: Uint32Array;
  /** For each package `listColumns` starts into `lists`; one more at the very end. */
  readonly starts: Uint32Array;
  readonly lists: Uint32Array;
  /** Triples: name, EVR (string numbers), flags with bit 16 for `pre`. */
  readonly dependencies: Uint32Array;
  /** Asked for once, when something is wanted of them. */
  readonly details: () => TableDetails;
}

/** Position of the `pre` bit in a stored dependency's flags. */
export const preBit = 16;

export class PackageTable {
  readonly parts: TableParts;
  readonly count: number;
  readonly #dependencies: (RepoDependency | undefined)[];
  #details: TableDetails | undefined;

  constructor(parts: TableParts) {
    this.parts = parts;
    this.count = parts.texts.length / textColumns.length;
    this.#dependencies = new Array(parts.dependencies.length / 3);
  }

  /** One package. Cheap: it reads the table when asked. */
  package(index: number): TablePackage {
    return new TablePackage(this, index);
  }

  /** The packages, in metadata order. */
  packages(): TablePackage[] {
    const out: TablePackage[] = new Array(this.count);
    for (let i = 0; i < this.count; i++) out[i] = new TablePackage(this, i);
    return out;
  }

  get details(): TableDetails {
    this.#details ??= this.parts.details();
    return this.#details;
  }

  textOf(index: number, column: number): string {
    return this.parts.strings.text(this.parts.texts[index * textColumns.length + column]!);
  }

  archOf(index: number): string {
    return this.textOf(index, 5);
  }

  detailOf(index: number, column: number): string {
    const { strings, texts } = this.details;
    return strings.looseText(texts[index * detailColumns.length + column]!);
  }

  numberOf(index: number, column: number): number {
    return this.details.numbers[index * numberColumns.length + column]!;
  }

  dependency(id: number): RepoDependency {
    let found = this.#dependencies[id];
    if (found === undefined) {
      const { dependencies, strings } = this.parts;
      const flags = dependencies[id * 3 + 2]!;
      const name = strings.text(dependencies[id * 3]!);
      const evr = strings.text(dependencies[id * 3 + 1]!);
      found = flags & preBit ? { name, flags: flags & 15, evr, pre: true } : { name, flags, evr };
      this.#dependencies[id] = found;
    }
    return found;
  }

  list(index: number, kind: number): Uint32Array {
    const at = index * listColumns + kind;
    return this.parts.lists.subarray(this.parts.starts[at]!, this.parts.starts[at + 1]!);
  }

  dependenciesOf(index: number, kind: number): RepoDependency[] {
    const ids = this.list(index, kind);
    const out: RepoDependency[] = new Array(ids.length);
    for (let i = 0; i < ids.length; i++) out[i] = this.dependency(ids[i]!);
    return out;
  }

  filesOf(index: number): string[] {
    const ids = this.list(index, filesList);
    const out: string[] = new Array(ids.length);
    for (let i = 0; i < ids.length; i++) out[i] = this.parts.strings.text(ids[i]!);
    return out;
  }
}

/** One package of a table. */
export class TablePackage implements RepositoryPackage {
  readonly #table: PackageTable;
  readonly #index: number;
  fileList?: readonly RepoFile[];
  changelogs?: readonly RepoChangelog[];

  constructor(table: PackageTable, index: number) {
    this.#table = table;
    this.#index = index;
  }

  #text(column: number): string {
    return this.#table.textOf(this.#index, column);
  }
  #detail(column: number): string {
    return this.#table.detailOf(this.#index, column);
  }
  #number(column: number): number {
    return this.#table.numberOf(this.#index, column);
  }
  get name(): string {
    return this.#text(0);
  }
  get epoch(): string {
    return this.#text(1);
  }
  get version(): string {
    return this.#text(2);
  }
  get release(): string {
    return this.#text(3);
  }
  get evr(): string {
    return this.#text(4);
  }
  get arch(): string {
    return this.#text(5);
  }
  get vendor(): string {
    return this.#text(6);
  }
  get checksum(): { readonly type: string; readonly value: string } {
    return { type: this.#detail(0), value: this.#detail(1) };
  }
  get summary(): string {
    return this.#detail(2);
  }
  get description(): string {
    return this.#detail(3);
  }
  get packager(): string {
    return this.#detail(4);
  }
  get url(): string {
    return this.#detail(5);
  }
  get license(): string {
    return this.#detail(6);
  }
  get group(): string {
    return this.#detail(7);
  }
  get buildHost(): string {
    return this.#detail(8);
  }
  get sourceRpm(): string {
    return this.#detail(9);
  }
  get location(): { readonly href: string; readonly base?: string } {
    const base = this.#detail(11);
    const href = this.#detail(10);
    return base === '' ? { href } : { href, base };
  }
  get time(): { readonly file: number; readonly build: number } {
    return { file: this.#number(0), build: this.#number(1) };
  }
  get size(): { readonly package: number; readonly installed: number; readonly archive: number } {
    return { package: this.#number(2), installed: this.#number(3), archive: this.#number(4) };
  }
  get headerRange(): { readonly start: number; readonly end: number } {
    return { start: this.#number(5), end: this.#number(6) };
  }
  get provides(): RepoDependency[] {
    return this.#table.dependenciesOf(this.#index, 0);
  }
  get requires(): RepoDependency[] {
    return this.#table.dependenciesOf(this.#index, 1);
  }
  get conflicts(): RepoDependency[] {
    return this.#table.dependenciesOf(this.#index, 2);
  }
  get obsoletes(): RepoDependency[] {
    return this.#table.dependenciesOf(this.#index, 3);
  }
  get suggests(): RepoDependency[] {
    return this.#table.dependenciesOf(this.#index, 4);
  }
  get enhances(): RepoDependency[] {
    return this.#table.dependenciesOf(this.#index, 5);
  }
  get recommends(): RepoDependency[] {
    return this.#table.dependenciesOf(this.#index, 6);
  }
  get supplements(): RepoDependency[] {
    return this.#table.dependenciesOf(this.#index, 7);
  }
  get files(): string[] {
    return this.#table.filesOf(this.#index);
  }
}

function tripleHash(name: number, evr: number, flags: number): number {
  const hash = Math.imul(Math.imul(name, 0x9e3779b1) ^ evr, 0x85ebca6b) ^ flags;
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Collects packages for a table. */
export class TableBuilder {
  readonly strings = new Strings();
  readonly detailStrings = new Strings();
  readonly lists = new Words();
  readonly #texts = new Words();
  readonly #details = new Words();
  readonly #starts = new Words();
  readonly #dependencies = new Words();
  /** Open addressing over the triples of `#dependencies`; -1 is free. */
  #slots = new Int32Array(1 << 12).fill(-1);
  #numbers = new Float64Array(1 << 10);
  #count = 0;

  /** Number of a dependency, added when new. */
  dependency(name: number, evr: number, flags: number): number {
    const mask = this.#slots.length - 1;
    let slot = tripleHash(name, evr, flags) & mask;
    const { data } = this.#dependencies;
    for (;;) {
      const id = this.#slots[slot]!;
      if (id < 0) break;
      if (data[id * 3] === name && data[id * 3 + 1] === evr && data[id * 3 + 2] === flags) return id;
      slot = (slot + 1) & mask;
    }
    const id = this.#dependencies.length / 3;
    this.#dependencies.push(name);
    this.#dependencies.push(evr);
    this.#dependencies.push(flags);
    this.#slots[slot] = id;
    if (id * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    const { data } = this.#dependencies;
    for (let id = 0; id * 3 < this.#dependencies.length; id++) {
      let slot = tripleHash(data[id * 3]!, data[id * 3 + 1]!, data[id * 3 + 2]!) & mask;
      while (slots[slot]! >= 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
  }

  /** Adds a package: string numbers and numbers by column, and its lists of dependency or string numbers. */
  add(texts: Uint32Array, details: Uint32Array, numbers: Float64Array, lists: readonly Words[]): void {
    for (let i = 0; i < textColumns.length; i++) this.#texts.push(texts[i]!);
    for (let i = 0; i < detailColumns.length; i++) this.#details.push(details[i]!);
    const at = this.#count * numberColumns.length;
    if (at + numberColumns.length > this.#numbers.length) {
      const grown = new Float64Array(this.#numbers.length * 2);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers.set(numbers, at);
    for (let kind = 0; kind < listColumns; kind++) {
      this.#starts.push(this.lists.length);
      const list = lists[kind]!;
      for (let i = 0; i < list.length; i++) this.lists.push(list.data[i]!);
    }
    this.#count++;
  }

  build(): PackageTable {
    this.#starts.push(this.lists.length);
    const details = {
      strings: this.detailStrings,
      texts: this.#details.view(),
      numbers: this.#numbers.subarray(0, this.#count * numberColumns.length),
    };
    return new PackageTable({
      strings: this.strings,
      texts: this.#texts.view(),
      starts: this.#starts.view(),
      lists: this.lists.view(),
      dependencies: this.#dependencies.view(),
      details: () => details,
    });
  }
}
