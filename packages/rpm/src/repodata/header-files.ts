// File lists of a header as XML, straight from its bytes.
import { Tag } from '../header/tag.ts';
import { FileFlag } from '../package/files.ts';
import type { HeaderIndex } from './header-index.ts';
import { isPrimaryFile } from './repository-package.ts';
import type { XmlPieces } from './xml-pieces.ts';

const literal = (text: string): Buffer => Buffer.from(text, 'latin1');
const fileTags = ['<file>', '<file type="dir">', '<file type="ghost">'];
const inPrimary = fileTags.map((tag) => literal(`    ${tag}`));
const inFilelists = fileTags.map((tag) => literal(`  ${tag}`));
const fileEnd = literal('</file>\n');

/** In a folder whose files all belong into primary.xml; in one where that depends on the name; elsewhere. */
const all = 1;
const some = 2;

function isFolderOfPrimary(name: string): number {
  if (isPrimaryFile(name)) return all;
  return name === '/usr/lib/' ? some : 0;
}

export class HeaderFiles {
  readonly #index: HeaderIndex;
  readonly #primary: XmlPieces;
  readonly #filelists: XmlPieces;
  #bytes: Buffer = Buffer.alloc(0);
  #count = 0;
  #described = false;
  /** Where the folders' names begin and end, and which of their files belong into primary.xml. */
  #folders: number[] = [];
  #folderEnds: number[] = [];
  #primaryFolders: number[] = [];
  #bases = 0;
  #folderNumbers = 0;

  constructor(index: HeaderIndex, primary: XmlPieces, filelists: XmlPieces) {
    this.#index = index;
    this.#primary = primary;
    this.#filelists = filelists;
  }

  /** Looks for the folders; false when something is unusual. */
  read(bytes: Buffer): boolean {
    const index = this.#index;
    this.#bytes = bytes;
    const count = index.count(Tag.BaseNames);
    this.#count = count;
    // As old packages have them.
    if (count === 0) return !index.has(Tag.BaseNames) && !index.has(Tag.OldFileNames);
    const modes = index.count(Tag.FileModes);
    const flags = index.count(Tag.FileFlags);
    this.#described = index.has(Tag.DirIndexes) && modes > 0 && flags > 0;
    this.#bases = index.strings(Tag.BaseNames, count);
    this.#folderNumbers = index.words(Tag.DirIndexes, count);
    const folders = index.count(Tag.DirNames);
    let at = index.strings(Tag.DirNames, folders);
    if (this.#bases < 0 || this.#folderNumbers < 0 || at < 0 || modes !== count || flags !== count) return false;
    if (index.words(Tag.FileFlags, count) < 0 || index.type(Tag.FileModes) !== 3) return false;
    this.#folders = new Array<number>(folders);
    this.#folderEnds = new Array<number>(folders);
    this.#primaryFolders = new Array<number>(folders);
    for (let i = 0; i < folders; i++) {
      const end = bytes.indexOf(0, at);
      if (end < 0 || end >= index.end || bytes[end - 1] !== 0x2f) return false;
      this.#folders[i] = at;
      this.#folderEnds[i] = end;
      this.#primaryFolders[i] = isFolderOfPrimary(bytes.toString('latin1', at, end));
      at = end + 1;
    }
    return true;
  }

  /** Whether a file of the package has the path that lies there. */
  has(start: number, end: number): boolean {
    const bytes = this.#bytes;
    const slash = bytes.lastIndexOf(0x2f, end - 1) + 1;
    let base = this.#bases;
    for (let i = 0; i < this.#count; i++) {
      const folder = this.#index.word(this.#folderNumbers + i * 4);
      let same = true;
      let at = slash;
      for (; bytes[base] !== 0 && base < this.#index.end; base++, at++) if (bytes[at] !== bytes[base]) same = false;
      base++;
      if (!same || at !== end || folder >= this.#folders.length) continue;
      const [from, to] = [this.#folders[folder]!, this.#folderEnds[folder]!];
      if (to - from === slash - start && bytes.compare(bytes, from, to, start, slash) === 0) return true;
    }
    return false;
  }

  /** Writes the files into both documents; false when a name is unusual. */
  write(): boolean {
    if (!this.#described || this.#count === 0) return true;
    const index = this.#index;
    const bytes = this.#bytes;
    const filelists = this.#filelists;
    const modes = index.at(Tag.FileModes);
    const flags = index.at(Tag.FileFlags);
    let base = this.#bases;
    for (let i = 0; i < this.#count; i++) {
      const folder = index.word(this.#folderNumbers + i * 4);
      if (folder >= this.#folders.length) return false;
      const isFolder = (bytes[modes + i * 2]! & 0xf0) === 0x40;
      const kind = isFolder ? 1 : (bytes[flags + i * 4 + 3]! & FileFlag.ghost) !== 0 ? 2 : 0;
      const start = this.#folders[folder]!;
      filelists.tag(inFilelists[kind]!);
      if (filelists.text(bytes, start) < 0) return false;
      const end = filelists.text(bytes, base);
      if (end < 0 || end >= index.end) return false;
      filelists.tag(fileEnd);
      const primary = this.#primaryFolders[folder]!;
      if (primary === all || (primary === some && bytes.toString('latin1', base, end) === 'sendmail')) {
        this.#primary.tag(inPrimary[kind]!);
        if (this.#primary.text(bytes, start) < 0 || this.#primary.text(bytes, base) < 0) return false;
        this.#primary.tag(fileEnd);
      }
      base = end + 1;
    }
    // Such a name could lead into any folder.
    const slash = bytes.indexOf(0x2f, this.#bases);
    return slash < 0 || slash >= base;
  }
}
