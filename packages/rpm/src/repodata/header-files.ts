// File lists of a header as XML, from its texts.
import { Tag } from '../header/tag.ts';
import { FileFlag } from '../package/files.ts';
import type { HeaderIndex } from './header-index.ts';
import type { HeaderText } from './header-text.ts';
import { isPrimaryFile } from './repository-package.ts';

const tags = ['<file>', '<file type="dir">', '<file type="ghost">'];
const inPrimary = tags.map((tag) => `    ${tag}`);
const inFilelists = tags.map((tag) => `  ${tag}`);
const fileEnd = '</file>\n';

/** In a folder whose files all belong into primary.xml; in one where that depends on the name; elsewhere. */
const all = 1;
const some = 2;

function placeOf(folder: string): number {
  if (isPrimaryFile(folder)) return all;
  return folder === '/usr/lib/' ? some : 0;
}

export class HeaderFiles {
  /** Elements of the two documents. */
  primary = '';
  filelists = '';
  readonly #index: HeaderIndex;
  readonly #text: HeaderText;
  #bases: string[] = [];
  #folders: string[] = [];
  /** Where the number of each file's folder is in the numbers of the header. */
  #folderNumbers = 0;

  constructor(index: HeaderIndex, text: HeaderText) {
    this.#index = index;
    this.#text = text;
  }

  /** Makes the elements; false when something is unusual. */
  read(): boolean {
    const index = this.#index;
    this.primary = '';
    this.filelists = '';
    this.#bases = [];
    const count = index.count(Tag.BaseNames);
    // As old packages have them.
    if (count === 0) return !index.has(Tag.BaseNames) && !index.has(Tag.OldFileNames);
    const bases = index.texts(Tag.BaseNames, count);
    const joinedBases = index.joined;
    const folders = index.texts(Tag.DirNames, index.count(Tag.DirNames));
    const joinedFolders = index.joined;
    const folderNumbers = index.words(Tag.DirIndexes, count);
    const modes = index.shorts(Tag.FileModes, count);
    const flags = index.words(Tag.FileFlags, count);
    if (bases === undefined || folders === undefined || folderNumbers < 0 || modes < 0 || flags < 0) return false;
    const { bytes, numbers } = index;
    this.#bases = bases;
    this.#folders = folders;
    this.#folderNumbers = folderNumbers;
    // Such a name could lead into any folder.
    if (joinedBases.includes('/') || !folders.every((folder) => folder.endsWith('/'))) return false;
    const places = folders.map(placeOf);
    const shownFolders = this.#text.contents(folders, joinedFolders);
    const shownBases = this.#text.contents(bases, joinedBases);
    let primary = '';
    let filelists = '';
    for (let i = 0; i < count; i++) {
      const folder = numbers[folderNumbers + i]!;
      const shown = shownFolders[folder];
      if (shown === undefined) return false;
      const kind = (bytes[modes + i * 2]! & 0xf0) === 0x40 ? 1 : (numbers[flags + i]! & FileFlag.ghost) === 0 ? 0 : 2;
      const rest = shown + shownBases[i]! + fileEnd;
      filelists += inFilelists[kind]! + rest;
      const place = places[folder];
      if (place === all || (place === some && bases[i] === 'sendmail')) primary += inPrimary[kind]! + rest;
    }
    this.primary = primary;
    this.filelists = filelists;
    return true;
  }

  /** Whether a file of the package has this path. */
  has(path: string): boolean {
    const slash = path.lastIndexOf('/') + 1;
    const base = path.slice(slash);
    for (let i = this.#bases.indexOf(base); i >= 0; i = this.#bases.indexOf(base, i + 1)) {
      const folder = this.#folders[this.#index.numbers[this.#folderNumbers + i]!]!;
      if (folder.length === slash && path.startsWith(folder)) return true;
    }
    return false;
  }
}
