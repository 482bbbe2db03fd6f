import { CoppiceError, isCoppiceError, prefixError } from '@coppice/base';
import { sha256 } from '../codec/checksum.ts';
import type { FileHeader } from '../codec/file-header.ts';
import { isRegular } from '../codec/mode-bits.ts';
import { isMetaType, looseName, type ObjectType, type RepoMode } from '../codec/object-type.ts';
import type { Repo } from '../repo.ts';
import type { Transaction } from '../store/transaction.ts';
import { checksumOfFile } from './verify-object.ts';

export interface ImportOptions {
  /** Objects are taken at their word, as those of one's own other repository. */
  readonly trusted: boolean;
  readonly bareUserOnlyFiles: boolean;
}

/** Refuses files that a bare-user-only repository cannot hold: set-id, sticky, world-writable. */
export function checkBareUserOnlyMode(checksum: string, mode: number): void {
  const extra = mode & 0o7777 & ~0o775;
  if (!isRegular(mode) || extra === 0) return;
  const octal = (n: number): string => n.toString(8).padStart(4, '0');
  throw new CoppiceError(
    'Invalid',
    `Content object ${checksum}: invalid mode 0${octal(mode)} with bits 0${octal(extra)}`,
  );
}

/** Whether files of the source, believed and of the same form, are linked without looking into them. */
export function linksUnread(repo: Repo, source: Repo, options: ImportOptions): boolean {
  const sameMode = source.mode === repo.mode && repo.mode !== 'bare-split-xattrs';
  return sameMode && options.trusted && !options.bareUserOnlyFiles;
}

/** Copies (or links) one object from another repository. False when the source does not have it. */
export function importObject(
  transaction: Transaction,
  source: Repo,
  type: ObjectType,
  checksum: string,
  options: ImportOptions,
): boolean {
  const { repo } = transaction;
  if (isMetaType(type)) return importMetadata(transaction, source, type, checksum, options);
  // Of a believed repository of the same form nothing needs to be read, nor looked for where it usually is.
  if (linksUnread(repo, source, options) && linkStored(transaction, source, type, checksum)) return true;
  const place = source.findObject(type, checksum);
  if (place === undefined) return false;
  const same = place.repo.mode === repo.mode && repo.mode !== 'bare-split-xattrs';
  if (same && options.trusted && !options.bareUserOnlyFiles && transaction.linkObject(type, checksum, place.path))
    return true;
  try {
    const file = source.loadFile(checksum);
    if (options.bareUserOnlyFiles) checkBareUserOnlyMode(checksum, file.header.mode);
    const linkable =
      sameForm(place.repo.mode, repo.mode, file.header) && (options.trusted || sameOwner(place.repo, repo));
    if (linkable) {
      if (!options.trusted) {
        const actual = checksumOfFile(file);
        if (actual !== checksum) throw corrupted('file', checksum, actual);
      }
      if (transaction.linkObject(type, checksum, place.path)) return true;
    }
    if (options.trusted) transaction.writeTrustedContent(file.header, file.read(), checksum);
    else transaction.writeContent(file.header, file.read(), checksum);
    return true;
  } catch (error) {
    if (isCoppiceError(error, 'NoSpace')) throw error;
    throw prefixError(error, `Importing ${checksum}.file`);
  }
}

/** Links an object from where it lies unless it is in a parent repository; false when it is not there or cannot be linked. */
function linkStored(transaction: Transaction, source: Repo, type: ObjectType, checksum: string): boolean {
  try {
    return transaction.linkObject(type, checksum, `${source.path}/objects/${looseName(checksum, type, source.mode)}`);
  } catch (error) {
    if (((error as { cause?: { code?: string } }).cause?.code ?? (error as { code?: string }).code) === 'ENOENT')
      return false;
    throw error;
  }
}

/** True when both modes keep this object in the same form, so that one file can serve both. */
function sameForm(from: RepoMode, to: RepoMode, header: FileHeader): boolean {
  if (from === to) return to !== 'bare-split-xattrs';
  if (from !== 'bare-user' || to !== 'bare-user-only') return false;
  const plain = header.uid === 0 && header.gid === 0 && header.xattrs.length === 0;
  return plain && isRegular(header.mode) && (header.mode & 0o7400) === 0o400;
}

function corrupted(type: ObjectType, expected: string, actual: string): CoppiceError {
  return new CoppiceError('Corrupt', `Corrupted ${type} object; checksum expected='${expected}' actual='${actual}'`);
}

function sameOwner(a: Repo, b: Repo): boolean {
  return a.fs.stat(a.path)?.uid === b.fs.stat(b.path)?.uid;
}

function importMetadata(
  transaction: Transaction,
  source: Repo,
  type: ObjectType,
  checksum: string,
  options: ImportOptions,
): boolean {
  if (options.trusted && linkStored(transaction, source, type, checksum)) return true;
  const place = source.findObject(type, checksum);
  if (place === undefined) return false;
  if (options.trusted && transaction.linkObject(type, checksum, place.path)) return true;
  const bytes = source.loadMetadata(type, checksum);
  if (!options.trusted) {
    const actual = sha256(bytes);
    if (actual !== checksum) throw corrupted(type, checksum, actual);
  }
  if (transaction.linkObject(type, checksum, place.path)) return true;
  transaction.writeMetadata(type, bytes, checksum);
  return true;
}

/** Name of an object's file in a repository, below `objects/`. */
export function objectFile(repo: Repo, type: ObjectType, checksum: string): string {
  return looseName(checksum, type, repo.mode);
}
