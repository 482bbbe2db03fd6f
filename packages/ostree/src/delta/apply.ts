import { CoppiceError, prefixError, toHex } from '@coppice/base';
import { sha256 } from '../codec/checksum.ts';
import type { FileHeader } from '../codec/file-header.ts';
import { isSymlink } from '../codec/mode-bits.ts';
import { isMetaType } from '../codec/object-type.ts';
import type { Xattr } from '../codec/xattrs.ts';
import type { Repo } from '../repo.ts';
import type { Transaction } from '../store/transaction.ts';
import { bspatchPieces } from './bspatch.ts';
import { OldFile } from './old-file.ts';
import { Cursor } from './operations.ts';
import { decodePayload, type PartPayload, uncompressPart, uncompressPartAside } from './part.ts';
import type { PayloadRooms } from './payload-rooms.ts';
import type { DeltaObject, DeltaPartHeader } from './superblock.ts';

/** How much more than its contents a part's payload may be. */
const payloadSlack = 16 * 1024 * 1024;
/** Larger payloads are not held in memory, whatever the superblock says. */
const maxPayload = 1024 * 1024 * 1024;

const names: Readonly<Record<number, string>> = {
  83: 'open-splice-and-close',
  111: 'open',
  119: 'write',
  114: 'set-read-source',
  82: 'unset-read-source',
  99: 'close',
  66: 'bspatch',
};

/** Checks version and checksum of a part and undoes its compression. */
export function openPart(header: DeltaPartHeader, bytes: Uint8Array): PartPayload {
  checkPart(header, bytes);
  return decodePayload(uncompressPart(bytes, payloadLimit(header)));
}

/** As `openPart`, with the compression undone off the main thread where that is possible. */
export async function openPartAside(
  header: DeltaPartHeader,
  bytes: Uint8Array,
  rooms: PayloadRooms,
): Promise<PartPayload> {
  checkPart(header, bytes);
  return decodePayload(await uncompressPartAside(bytes, payloadLimit(header), (size) => rooms.take(size)));
}

function payloadLimit(header: DeltaPartHeader): number {
  return Math.min(2 * header.uncompressedSize + payloadSlack, maxPayload);
}

function checkPart(header: DeltaPartHeader, bytes: Uint8Array): void {
  if (header.version > 0) throw new CoppiceError('Unsupported', `Delta part has too new version ${header.version}`);
  const actual = sha256(bytes);
  if (actual === header.checksum) return;
  throw new CoppiceError(
    'Corrupt',
    `Checksum mismatch in static delta part; expected=${header.checksum} actual=${actual}`,
  );
}

/**
 * Carries out a part: every object in its header's list is made and checked. Throws `Corrupt`. With `memory`, the number by
 * which the transaction's second thread knows the payload's memory, that thread makes a part of the objects.
 */
export function applyPart(
  transaction: Transaction,
  header: DeltaPartHeader,
  payload: PartPayload,
  memory: number | undefined = undefined,
): void {
  new Machine(transaction, header, payload, memory).run();
}

interface OldObject {
  readonly checksum: string;
  readonly path: string;
}

class Machine {
  readonly #transaction: Transaction;
  readonly #repo: Repo;
  readonly #objects: readonly DeltaObject[];
  readonly #payload: PartPayload;
  readonly #cursor: Cursor;
  #next = 0;
  /** Bytes of contents that the header's size still allows. */
  #budget: number;
  /** The object that is read, and its file once it was needed. */
  #source: OldObject | undefined;
  #opened: OldFile | undefined;
  readonly #memory: number | undefined;
  /** Whether the second thread has objects of this part, and those that it did not make. */
  #shared = false;
  readonly #refused: (() => void)[] = [];

  constructor(transaction: Transaction, header: DeltaPartHeader, payload: PartPayload, memory: number | undefined) {
    this.#transaction = transaction;
    this.#repo = transaction.repo;
    this.#objects = header.objects;
    this.#budget = header.uncompressedSize + payloadSlack;
    this.#payload = payload;
    this.#memory = memory;
    this.#cursor = new Cursor(payload.operations);
  }

  run(): void {
    try {
      while (!this.#cursor.atEnd) {
        const code = this.#cursor.opcode();
        try {
          this.#step(code);
        } catch (error) {
          const name = names[code];
          throw name === undefined ? error : prefixError(error, `opcode ${name}`);
        }
      }
    } finally {
      this.#closeSource();
    }
    if (this.#shared) this.#transaction.drain();
    for (const make of this.#refused) make();
    if (this.#next !== this.#objects.length) throw new CoppiceError('Corrupt', 'Static delta part ends early');
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
        this.#setSource();
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
      this.#transaction.writeMetadata(object.type, Uint8Array.from(bytes), object.checksum);
      return;
    }
    const header = this.#header(cursor.number(), cursor.number());
    const size = cursor.number();
    const offset = cursor.number();
    const bytes = this.#blob(offset, size);
    if (this.#repo.hasObject(object.type, object.checksum)) return;
    const link = isSymlink(header.mode);
    const symlinkTarget = link ? Buffer.from(bytes).toString('utf8') : '';
    this.#transaction.writeContent({ ...header, symlinkTarget }, link ? new Uint8Array(0) : bytes, object.checksum);
  }

  /** From `open` to `close`: the pieces are made while the writer asks for them. */
  #open(): void {
    if (this.#repo.mode === 'archive')
      throw new CoppiceError('Unsupported', "Can't apply a static delta to an archive repository");
    const object = this.#take();
    const header = this.#header(this.#cursor.number(), this.#cursor.number());
    const size = this.#cursor.number();
    this.#spend(size);
    const present = this.#repo.hasObject(object.type, object.checksum);
    if (!present && this.#givePatch(object, { ...header, symlinkTarget: '' }, size)) return;
    const state = { closed: false };
    const pieces = this.#pieces(size, state);
    if (present) {
      for (const _piece of pieces);
    } else this.#transaction.writeContent({ ...header, symlinkTarget: '' }, pieces, object.checksum);
    if (!state.closed) throw new CoppiceError('Corrupt', 'Object is not closed');
  }

  /** Lets the second thread make an object that is one patch; false when it is another or the thread is busy. */
  #givePatch(object: DeltaObject, header: FileHeader, size: number): boolean {
    const cursor = this.#cursor;
    const { handover } = this.#transaction;
    const source = this.#source;
    if (handover === undefined || this.#memory === undefined || source === undefined) return false;
    const start = cursor.mark();
    if (cursor.takes(0x42)) {
      const patch = this.#blob(cursor.number(), cursor.number());
      const { byteOffset: offset, length } = patch;
      const recipe = { header, size, old: source.checksum, oldPath: source.path, memory: this.#memory, offset, length };
      const done = (refused: boolean): void => {
        if (refused) this.#refused.push(() => this.#patchHere(object, header, size, source, patch));
      };
      if (cursor.takes(0x63) && handover.givePatched(object.checksum, recipe, done)) {
        this.#shared = true;
        this.#closeSource();
        return true;
      }
    }
    cursor.back(start);
    return false;
  }

  /** Makes it on this thread after all, which tells what is wrong. */
  #patchHere(object: DeltaObject, header: FileHeader, size: number, source: OldObject, patch: Uint8Array): void {
    try {
      const old = OldFile.open(this.#repo.fs, source.path, source.checksum);
      try {
        this.#transaction.writeContent(header, bspatchPieces(old, patch, size), object.checksum);
      } finally {
        old.close();
      }
    } catch (error) {
      throw prefixError(error, 'opcode open');
    }
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
      if (code === 0x72) this.#setSource();
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

  #setSource(): void {
    this.#closeSource();
    const checksum = toHex(this.#blob(this.#cursor.number(), 32));
    const place = this.#repo.findObject('file', checksum);
    if (place === undefined) throw new CoppiceError('NotFound', `Couldn't find file object '${checksum}'`);
    this.#source = { checksum, path: place.path };
  }

  #old({ path, checksum }: OldObject): OldFile {
    this.#opened ??= OldFile.open(this.#repo.fs, path, checksum);
    return this.#opened;
  }

  #closeSource(): void {
    this.#opened?.close();
    this.#opened = undefined;
    this.#source = undefined;
  }
}
