import { CoppiceError } from '@coppice/base';
import { checkChecksum, checksumBytes } from '../codec/checksum.ts';

/** A static delta: from a commit (or nothing) to a commit. */
export interface DeltaName {
  readonly from: string | undefined;
  readonly to: string;
  /** `TO` or `FROM-TO` in hex: how commands and summaries name it. */
  readonly hex: string;
}

export function deltaName(from: string | undefined, to: string): DeltaName {
  return { from, to, hex: from === undefined ? to : `${from}-${to}` };
}

/** Reads `TO` or `FROM-TO`. Throws `Invalid`. */
export function parseDeltaName(text: string): DeltaName {
  const dash = text.indexOf('-');
  if (dash < 0) return deltaName(undefined, checkChecksum(text));
  return deltaName(checkChecksum(text.slice(0, dash)), checkChecksum(text.slice(dash + 1)));
}

/** A checksum in the 43 characters of file names: base64, `_` for `/`, no padding. */
export function shortChecksum(checksum: string): string {
  return checksumBytes(checksum).toString('base64').replace(/=+$/, '').replaceAll('/', '_');
}

export function checksumOfShort(text: string): string {
  const bytes = Buffer.from(text.replaceAll('_', '/'), 'base64');
  if (!/^[A-Za-z0-9+_]{43}$/.test(text) || bytes.length !== 32)
    throw new CoppiceError('Invalid', `Invalid static delta name '${text}'`);
  return bytes.toString('hex');
}

/** Folder of a delta below `deltas/`. */
export function deltaDir(from: string | undefined, to: string): string {
  const first = shortChecksum(from ?? to);
  const rest = from === undefined ? first.slice(2) : `${first.slice(2)}-${shortChecksum(to)}`;
  return `${first.slice(0, 2)}/${rest}`;
}

/** Path of one of a delta's files, relative to the repository. */
export function deltaFilePath(from: string | undefined, to: string, file: string): string {
  return `deltas/${deltaDir(from, to)}/${file}`;
}

/** Path of the index that lists the deltas leading to a commit, relative to the repository. */
export function deltaIndexPath(to: string): string {
  const short = shortChecksum(to);
  return `delta-indexes/${short.slice(0, 2)}/${short.slice(2)}.index`;
}
