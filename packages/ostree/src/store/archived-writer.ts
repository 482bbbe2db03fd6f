import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { isSymlink } from '../codec/mode-bits.ts';
import { sortXattrs } from '../codec/xattrs.ts';
import { parseArchivedContent } from './archived-content.ts';
import type { ArchivedOrder, StoreForm } from './archived-order.ts';
import { ContentWriter } from './content-writer.ts';
import { inflatePieces, loadFile } from './load-file.ts';
import { randomHex } from './random-name.ts';

/** Carries out `ArchivedOrder`s, in the form the repository stores. */
export class ArchivedWriter {
  readonly #fs: FileSystem;
  #form: StoreForm | undefined;
  #writer: ContentWriter | undefined;
  readonly #stem = randomHex(6);
  #counter = 0;
  #target = '';

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  /** Unpacks, checks and stores one object under its name. Throws when it is not what its checksum says; nothing is left then. */
  write({ form, checksum, target, source }: ArchivedOrder): void {
    const writer = this.#writerOf(form);
    this.#target = target;
    const verify = (actual: string): void => {
      if (actual !== checksum) throw new CoppiceError('Corrupt', `Corrupted file object ${checksum}`);
    };
    if (typeof source === 'string') {
      const place = { fs: this.#fs, repo: '', path: source, mode: 'archive', disableXattrs: false } as const;
      const { header, read } = loadFile(place, checksum);
      writer.write({ ...header, xattrs: sortXattrs(header.xattrs) }, read(), verify);
      return;
    }
    const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
    const { header, data } = parseArchivedContent(bytes);
    const pieces = isSymlink(header.mode) || header.size === 0 ? [] : inflatePieces([data], header.size);
    writer.write(header.xattrs.length < 2 ? header : { ...header, xattrs: sortXattrs(header.xattrs) }, pieces, verify);
  }

  #writerOf(form: StoreForm): ContentWriter {
    const last = this.#form;
    const same =
      last !== undefined &&
      last.temporary === form.temporary &&
      last.mode === form.mode &&
      last.zlibLevel === form.zlibLevel &&
      last.syncFiles === form.syncFiles;
    if (same && this.#writer !== undefined) return this.#writer;
    const fs = this.#fs;
    this.#form = form;
    this.#writer = new ContentWriter({
      fs,
      mode: form.mode,
      zlibLevel: form.zlibLevel,
      temporary: form.temporary,
      syncFiles: form.syncFiles,
      alias: (checksum) => checksum,
      has: () => false,
      // Room was taken before the order was given.
      reserve: () => {},
      refund: () => {},
      pathFor: () => `${form.temporary}/tmp-${this.#stem}c${this.#counter++}`,
      place: (temporary) => fs.rename(temporary, this.#target),
      wrote: () => {},
    });
    return this.#writer;
  }
}
