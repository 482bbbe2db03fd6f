import { CoppiceError, isCoppiceError, prefixError } from '@coppice/base';
import { objectName } from '../codec/object-type.ts';
import { ContentInflater, parseArchivedContent } from '../store/archived-content.ts';
import { archivedStart } from '../store/archived-handover.ts';
import { type LoadedFile, loadFile } from '../store/load-file.ts';
import { randomHex } from '../store/random-name.ts';
import type { Transaction } from '../store/transaction.ts';
import { checkBareUserOnlyMode } from './import-object.ts';
import type { PullOptions } from './options.ts';
import { Spool, spoolSizes } from './spool.ts';
import { checksumOfFile } from './verify-object.ts';

/** Stores content objects that came from a server in archive form: on the second thread while that has time, else here. */
export class FetchedContent {
  readonly #transaction: Transaction;
  readonly #options: PullOptions;
  /** Objects are kept as they come, unread. */
  readonly #believed: boolean;
  /** Files that a bare-user-only repository cannot hold are refused. */
  readonly strictModes: boolean;
  readonly #fail: (error: unknown) => void;
  readonly #inflater = new ContentInflater();
  readonly #stem = randomHex(4);
  #spools = 0;
  /** Of spools that are done with; never more than spools at a time. */
  readonly #buffers: Buffer[] = [];
  #failed = false;

  /** `fail` is told of what went wrong after `take` had returned; nothing is stored after it. */
  constructor(transaction: Transaction, options: PullOptions, fail: (error: unknown) => void) {
    const { mode } = transaction.repo;
    this.#transaction = transaction;
    this.#options = options;
    this.#believed = options.httpTrusted === true && options.mirror === true && mode === 'archive';
    this.strictModes = options.bareUserOnlyFiles === true || mode === 'bare-user-only';
    this.#fail = fail;
  }

  newSpool(): Spool {
    const { repo } = this.#transaction;
    const inMemory = this.#options.compressPool === undefined ? spoolSizes.own : spoolSizes.shared;
    return new Spool(repo, `${repo.path}/tmp/fetch-${this.#stem}-${this.#spools++}`, inMemory, this.#buffers);
  }

  /** Takes a whole body and lets go of it when the object is stored, which may be no sooner than the transaction is drained. */
  take(checksum: string, spool: Spool): void {
    let given = false;
    try {
      given = this.#handOver(checksum, spool);
      if (!given) this.#store(checksum, spool);
    } finally {
      // What is in memory was copied.
      if (!given || spool.bytes() !== undefined) spool.discard();
    }
  }

  /** Lets the second thread store an object; false when that is to be done here. */
  #handOver(checksum: string, spool: Spool): boolean {
    const { repo } = this.#transaction;
    if (this.#believed || this.#options.compressPool === undefined) return false;
    const bytes = spool.bytes();
    // A large object stays as it came in an archive repository.
    if (bytes === undefined && repo.mode === 'archive') return false;
    const { start } = spool;
    if (this.strictModes && !this.#hasPlainMode(checksum, start)) return false;
    return this.#transaction.giveArchived(checksum, bytes ?? spool.path, start, spool.size, (refused) => {
      try {
        if (refused === undefined || this.#failed) return;
        if (typeof refused === 'string') this.#store(checksum, spool);
        else this.#storeBytes(checksum, Buffer.from(refused.buffer, refused.byteOffset, refused.byteLength));
      } catch (error) {
        this.#failed = true;
        this.#fail(error);
      } finally {
        if (bytes === undefined) spool.discard();
      }
    });
  }

  #hasPlainMode(checksum: string, start: Buffer): boolean {
    if (start.length < archivedStart) return false;
    try {
      checkBareUserOnlyMode(checksum, start.readUInt32BE(archivedStart - 4));
      return true;
    } catch {
      // Refused where it is stored, in the right words.
      return false;
    }
  }

  #store(checksum: string, spool: Spool): void {
    const bytes = spool.bytes();
    if (this.#believed) this.#adopt(checksum, spool);
    else if (bytes !== undefined) this.#storeBytes(checksum, bytes);
    else this.#storeSpooled(checksum, spool);
  }

  #storeBytes(checksum: string, bytes: Buffer): void {
    this.#named(checksum, () => {
      const content = parseArchivedContent(bytes);
      if (this.strictModes) checkBareUserOnlyMode(checksum, content.header.mode);
      const { size: _size, ...header } = content.header;
      this.#transaction.writeContent(header, this.#inflater.bytes(content), checksum);
    });
  }

  #storeSpooled(checksum: string, spool: Spool): void {
    const { mode } = this.#transaction.repo;
    this.#named(checksum, () => {
      const file = this.#load(checksum, spool);
      if (this.strictModes) checkBareUserOnlyMode(checksum, file.header.mode);
      if (mode === 'archive' && checksumOfFile(file) === checksum) {
        this.#link(checksum, spool);
        this.#transaction.stats.contentBytesWritten += file.size;
      } else this.#transaction.writeContent(file.header, file.read(), checksum);
    });
  }

  #load(checksum: string, spool: Spool): LoadedFile {
    const { fs, path } = this.#transaction.repo;
    return loadFile({ fs, repo: path, path: spool.path, mode: 'archive', disableXattrs: false }, checksum);
  }

  #named(checksum: string, store: () => void): void {
    try {
      store();
    } catch (error) {
      if (isCoppiceError(error, 'NoSpace')) throw error;
      if (isCoppiceError(error, 'Invalid') && this.strictModes) throw prefixError(error, 'Writing content object');
      throw prefixError(error, objectName(checksum, 'file'));
    }
  }

  /** Takes an archive object as it came; it must have a header all the same. */
  #adopt(checksum: string, spool: Spool): void {
    const bytes = spool.bytes();
    this.#named(checksum, () => {
      const { header } = bytes === undefined ? this.#load(checksum, spool) : parseArchivedContent(bytes);
      if (this.strictModes) checkBareUserOnlyMode(checksum, header.mode);
      this.#link(checksum, spool);
    });
  }

  #link(checksum: string, spool: Spool): void {
    spool.toFile();
    if (!this.#transaction.linkObject('file', checksum, spool.path))
      throw new CoppiceError('Io', 'linkat: Operation not permitted');
  }
}
