import { CoppiceError, prefixError, toHex } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import type { FileHeader } from '../codec/file-header.ts';
import { isSymlink } from '../codec/mode-bits.ts';
import { isMetaType, type ObjectType } from '../codec/object-type.ts';
import type { Xattr } from '../codec/xattrs.ts';
import type { ContentSource } from '../store/content-source.ts';
import { bspatchPieces } from './bspatch.ts';
import { OldFile } from './old-file.ts';
import { Cursor } from './operations.ts';
import type { PartPayload } from './part.ts';
import type { DeltaObject } from './superblock.ts';

const names: Readonly<Record<number, string>> = {
  83: 'open-splice-and-close',
  111: 'open',
  119: 'write',
  114: 'set-read-source',
  82: 'unset-read-source',
  99: 'close',
  66: 'bspatch',
};

/** Where the objects of a part go to, and those that it reads. */
export interface PartTarget {
  readonly fs: FileSystem;
  /** False where contents are not stored as they are. */
  readonly canPatch: boolean;
  has(type: ObjectType, checksum: string): boolean;
  /** Path of the file of a content object. */
  find(checksum: string): string | undefined;
  /** Throws when it is not what its checksum says. */
  writeContent(header: FileHeader, source: ContentSource, checksum: string): void;
  writeMetadata(type: ObjectType, bytes: Uint8Array, checksum: string): void;
}

/** The operations of one object, which can be carried out apart from the others. */
export interface PartTask {
  /** Its place in the part's list. */
  readonly object: number;
  /** Where its operations begin. */
  readonly at: number;
  /** Offset in the blob of the checksum of the object that is read when they begin; -1 for none. */
  readonly source: number;
}

interface OldObject {
  readonly checksum: string;
  readonly path: string;
}

/** How much more than its contents a part may make. */
export const payloadSlack: number = 16 * 1024 * 1024;

/** Carries out operations of a part. Throws `Corrupt`. */
export class PartMachine {
  readonly #target: PartTarget;
  readonly #objects: readonly DeltaObject[];
  readonly #payload: PartPayload;
  readonly #cursor: Cursor;
  #next = 0;
  /** Bytes of contents that the header's size still allows. */
  #budget: number;
  /** The object that is read, and its file once it was needed. */
  #source: OldObject | undefined;
  #opened: OldFile | undefined;

  constructor(
    target: PartTarget,
    header: { readonly objects: readonly DeltaObject[]; readonly uncompressedSize: number },
    payload: PartPayload,
  ) {
    this.#target = target;
    this.#objects = header.objects;
    this.#budget = header.uncompressedSize + payloadSlack;
    this.#payload = payload;
    this.#cursor = new Cursor(payload.operations);
  }

  /** Makes every object of the list. */
  run(): void {
    try {
      while (!this.#cursor.atEnd) this.#carryOut();
    } finally {
      this.#closeSource();
    }
    if (this.#next !== this.#objects.length) throw new CoppiceError('Corrupt', 'Static delta part ends early');
  }

  /** Makes one object. */
  runTask({ object, at, source }: PartTask): void {
    this.#cursor.back({ at, ordinal: -1 });
    this.#next = object;
    try {
      if (source >= 0) {
        try {
          this.#setSource(source);
        } catch (error) {
          throw prefixError(error, `opcode ${names[0x72]}`);
        }
      }
      this.#carryOut();
    } finally {
      this.#closeSource();
    }
  }

  #carryOut(): void {
    const code = this.#cursor.opcode();
    try {
      this.#step(code);
    } catch (error) {
      const name = names[code];
      throw name === undefined ? error : prefixError(error, `opcode ${name}`);
    }
  }

  #step(code: number): void {
    switch (code) {
      case 0x53:
        this.#splice();
        break;
      case 0x6f:
        this.#open();
        break;
      case 0x72:
        this.#setSource(this.#cursor.number());
        break;
      case 0x52:
        this.#closeSource();
        break;
      case 0x77:
      case 0x63:
      case 0x42:
        throw new CoppiceError('Corrupt', 'No object is open');
      default:
        throw this.#cursor.unknown();
    }
  }

  #take(): DeltaObject {
    const object = this.#objects[this.#next];
    if (object === undefined) throw new CoppiceError('Corrupt', 'More operations than objects');
    this.#next++;
    return object;
  }

  /** What is made of a part must not be more than it says, or a few operations could fill the disk. */
  #spend(size: number): void {
    this.#budget -= size;
    if (this.#budget < 0) throw new CoppiceError('Limit', 'Static delta part expands to more than it says');
  }

  #blob(offset: number, size: number): Uint8Array {
    const { blob } = this.#payload;
    if (offset + size > blob.length || offset > blob.length)
      throw new CoppiceError('Corrupt', `Invalid offset/length ${offset}/${size}`);
    return blob.subarray(offset, offset + size);
  }

  #header(modeIndex: number, xattrIndex: number): { uid: number; gid: number; mode: number; xattrs: readonly Xattr[] } {
    const mode = this.#payload.modes[modeIndex];
    const xattrs = this.#payload.xattrs[xattrIndex];
    if (mode === undefined || xattrs === undefined)
      throw new CoppiceError('Corrupt', `Invalid index ${modeIndex}/${xattrIndex}`);
    return { ...mode, xattrs };
  }

  #splice(): void {
    const object = this.#take();
    const cursor = this.#cursor;
    if (isMetaType(object.type)) {
      const size = cursor.number();
      const offset = cursor.number();
      const bytes = this.#blob(offset, size);
      this.#target.writeMetadata(object.type, Uint8Array.from(bytes), object.checksum);
      return;
    }
    const header = this.#header(cursor.number(), cursor.number());
    const size = cursor.number();
    const offset = cursor.number();
    const bytes = this.#blob(offset, size);
    if (this.#target.has(object.type, object.checksum)) return;
    const link = isSymlink(header.mode);
    const symlinkTarget = link ? Buffer.from(bytes).toString('utf8') : '';
    this.#target.writeContent({ ...header, symlinkTarget }, link ? new Uint8Array(0) : bytes, object.checksum);
  }

  /** From `open` to `close`: the pieces are made while the writer asks for them. */
  #open(): void {
    if (!this.#target.canPatch)
      throw new CoppiceError('Unsupported', "Can't apply a static delta to an archive repository");
    const object = this.#take();
    const header = this.#header(this.#cursor.number(), this.#cursor.number());
    const size = this.#cursor.number();
    this.#spend(size);
    const present = this.#target.has(object.type, object.checksum);
    const state = { closed: false };
    const pieces = this.#pieces(size, state);
    if (present) {
      for (const _piece of pieces);
    } else this.#target.writeContent({ ...header, symlinkTarget: '' }, { size, pieces }, object.checksum);
    if (!state.closed) throw new CoppiceError('Corrupt', 'Object is not closed');
  }

  *#pieces(size: number, state: { closed: boolean }): Generator<Uint8Array> {
    const cursor = this.#cursor;
    let written = 0;
    while (!cursor.atEnd) {
      const code = cursor.opcode();
      if (code === 0x63) {
        if (written !== size) throw new CoppiceError('Corrupt', `Object is ${written} of ${size} bytes`);
        this.#closeSource();
        state.closed = true;
        return;
      }
      if (code === 0x72) this.#setSource(cursor.number());
      else if (code === 0x52) this.#closeSource();
      else if (code === 0x77) {
        const length = cursor.number();
        const offset = cursor.number();
        if (written + length > size) throw new CoppiceError('Corrupt', 'Object is larger than it says');
        for (const piece of this.#source === undefined
          ? [this.#blob(offset, length)]
          : this.#old(this.#source).pieces(offset, length))
          yield piece;
        written += length;
      } else if (code === 0x42) {
        const offset = cursor.number();
        const length = cursor.number();
        if (this.#source === undefined) throw new CoppiceError('Corrupt', 'No read source');
        if (written > 0) throw new CoppiceError('Corrupt', 'Object is larger than it says');
        yield* bspatchPieces(this.#old(this.#source), this.#blob(offset, length), size);
        written += size;
      } else throw cursor.unknown();
    }
  }

  #setSource(offset: number): void {
    this.#closeSource();
    const checksum = toHex(this.#blob(offset, 32));
    const path = this.#target.find(checksum);
    if (path === undefined) throw new CoppiceError('NotFound', `Couldn't find file object '${checksum}'`);
    this.#source = { checksum, path };
  }

  #old({ path, checksum }: OldObject): OldFile {
    this.#opened ??= OldFile.open(this.#target.fs, path, checksum);
    return this.#opened;
  }

  #closeSource(): void {
    this.#opened?.close();
    this.#opened = undefined;
    this.#source = undefined;
  }
}
