import { CoppiceError } from '@coppice/base';
import { isChecksum } from '../codec/checksum.ts';

// Letters and digits of any script, as GRegex takes `\\w`.
const word = '\\p{L}\\p{N}_';
const fragment = `[${word}][-.${word}]*`;
const refPattern = new RegExp(`^${fragment}(?:/${fragment})*$`, 'u');
const fragmentPattern = new RegExp(`^${fragment}$`, 'u');
const refspecPattern = new RegExp(`^(?:(${fragment}):)?(${fragment}(?:/${fragment})*)$`, 'u');

/** A ref name with the remote it belongs to, if any. */
export interface Refspec {
  readonly remote: string | undefined;
  readonly ref: string;
}

/** True for one component of a ref name; listings skip files with other names. */
export function isRefFragment(name: string): boolean {
  return fragmentPattern.test(name);
}

export function isRefName(name: string): boolean {
  return refPattern.test(name);
}

/** Throws `Invalid` with libostree's words; returns the name. */
export function checkRefName(name: string): string {
  if (!isRefName(name)) throw new CoppiceError('Invalid', `Invalid ref name ${name}`);
  return name;
}

export function checkRemoteName(name: string): string {
  if (!isRefFragment(name)) throw new CoppiceError('Invalid', `Invalid remote name ${name}`);
  return name;
}

/** Splits `[REMOTE:]REF`; throws `Invalid refspec X`. */
export function parseRefspec(refspec: string): Refspec {
  const match = refspecPattern.exec(refspec);
  if (match === null) throw new CoppiceError('Invalid', `Invalid refspec ${refspec}`);
  return { remote: match[1], ref: match[2]! };
}

export function formatRefspec(refspec: Refspec): string {
  return refspec.remote === undefined ? refspec.ref : `${refspec.remote}:${refspec.ref}`;
}

/** A ref that could be taken for a checksum is refused when written. */
export function checkNotChecksum(ref: string): void {
  if (isChecksum(ref)) throw new CoppiceError('Invalid', `Rev name '${ref}' looks like a checksum`);
}

/** D-Bus interface-name rules: at least two elements of `[A-Za-z_][A-Za-z0-9_]*` joined by dots, at most 255 bytes. */
export function checkCollectionId(id: string): string {
  if (id.length > 255 || !/^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+$/.test(id)) {
    throw new CoppiceError('Invalid', `Invalid collection ID ${id}`);
  }
  return id;
}
