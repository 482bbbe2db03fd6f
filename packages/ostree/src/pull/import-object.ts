import { CoppiceError, isCoppiceError, prefixError } from '@coppice/base';
import { sha256 } from '../codec/checksum.ts';
import { isRegular } from '../codec/mode-bits.ts';
import { isMetaType, looseName, type ObjectType, objectName, type RepoMode } from '../codec/object-type.ts';
import type { Repo } from '../repo.ts';
import type { LoadedFile } from '../store/load-file.ts';
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
  const sameForm = place.repo.mode === repo.mode && repo.mode !== 'bare-split-xattrs';
  const converted = convertsByLink(place.repo.mode, repo.mode);
  const load = (): LoadedFile => opened(source, checksum, () => source.loadFile(checksum));
  let file: LoadedFile | undefined;
  if (options.bareUserOnlyFiles || converted) {
    file = load();
    if (options.bareUserOnlyFiles) checkBareUserOnlyMode(checksum, file.inode.mode);
  }
  // A symbolic link of a bare-user repository is a regular file there.
  const linkable = sameForm || (converted && isRegular(file!.inode.mode));
  if (linkable && (options.trusted || sameOwner(place.repo, repo))) {
    if (!options.trusted) verifyFile(checksum, load);
    if (takeFile(transaction, type, checksum, place.path)) return true;
  }
  file ??= load();
  try {
    if (repo.mode === 'bare-user-only') checkBareUserOnlyMode(checksum, file.inode.mode);
    if (options.trusted) transaction.writeTrustedContent(file.header, file.read(), checksum);
    else transaction.writeContent(file.header, file.read(), checksum);
  } catch (error) {
    if (isCoppiceError(error, 'Invalid') || isCoppiceError(error, 'Corrupt'))
      throw prefixError(error, 'Writing content object');
    throw error;
  }
  return true;
}

/** Links an object's file, or copies it where it cannot be linked; false when it has to be written anew. */
function takeFile(transaction: Transaction, type: ObjectType, checksum: string, path: string): boolean {
  try {
    return transaction.linkObject(type, checksum, path, true);
  } catch (error) {
    throw prefixError(error, `Importing ${objectName(checksum, type)}`);
  }
}

/** What an object is called that a repository should have and has not: by where the original first looks for it. */
export function missingObject(
  repo: Repo,
  source: Repo,
  type: ObjectType,
  checksum: string,
  options: ImportOptions,
): Error {
  const name = objectName(checksum, type);
  const unlinked = new CoppiceError('NotFound', `Importing ${name}: linkat: No such file or directory`);
  if (isMetaType(type)) {
    if (options.trusted) return unlinked;
    return new CoppiceError('NotFound', `fsck ${name}: No such metadata object ${name}`);
  }
  const same = source.mode === repo.mode && !options.bareUserOnlyFiles;
  if (same && options.trusted) return unlinked;
  const opening = source.mode === 'archive' ? '' : `Opening content object ${checksum}: `;
  const checking = same ? `fsck content object ${checksum}: ` : '';
  return new CoppiceError('NotFound', `${checking}${opening}Couldn't find file object '${checksum}'`);
}

/** A content object that cannot even be opened. */
function opened<T>(source: Repo, checksum: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const what = `Opening content object ${checksum}`;
    throw source.mode === 'archive' || String((error as Error).message).startsWith(what)
      ? error
      : prefixError(error, what);
  }
}

function verifyFile(checksum: string, load: () => LoadedFile): void {
  try {
    const actual = checksumOfFile(load());
    if (actual !== checksum) throw corrupted('file', checksum, actual);
  } catch (error) {
    throw prefixError(error, `fsck content object ${checksum}`);
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

/** True when a regular file of one repository serves the other as it is, whatever attributes the first keeps beside it. */
function convertsByLink(from: RepoMode, to: RepoMode): boolean {
  return from === 'bare-user' && to === 'bare-user-only';
}

function corrupted(type: ObjectType, expected: string, actual: string): CoppiceError {
  return new CoppiceError('Corrupt', `Corrupted ${type} object; checksum expected='${expected}' actual='${actual}'`);
}

/** Refuses a metadata object of a repository that is not believed. Throws `Corrupt`. */
export function checkMetadata(type: ObjectType, checksum: string, bytes: Uint8Array): void {
  const actual = sha256(bytes);
  if (actual !== checksum) throw prefixError(corrupted(type, checksum, actual), `fsck ${objectName(checksum, type)}`);
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
  if (options.trusted && takeFile(transaction, type, checksum, place.path)) return true;
  const bytes = options.trusted ? source.loadMetadata(type, checksum) : readUnbelieved(source, type, checksum);
  if (!options.trusted) {
    checkMetadata(type, checksum, bytes);
    // Another's file may change afterwards.
    if (sameOwner(place.repo, transaction.repo) && takeFile(transaction, type, checksum, place.path)) return true;
  }
  transaction.writeMetadata(type, bytes, checksum);
  return true;
}

function readUnbelieved(source: Repo, type: ObjectType, checksum: string): Buffer {
  try {
    return source.loadMetadata(type, checksum);
  } catch (error) {
    throw prefixError(error, `fsck ${objectName(checksum, type)}`);
  }
}

/** Name of an object's file in a repository, below `objects/`. */
export function objectFile(repo: Repo, type: ObjectType, checksum: string): string {
  return looseName(checksum, type, repo.mode);
}
