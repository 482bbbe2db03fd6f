import { CoppiceError } from '@coppice/base';
import { isChecksum } from '../codec/checksum.ts';

function patterns(word: string, flags: string): { ref: RegExp; fragment: RegExp; refspec: RegExp } {
  const fragment = `[${word}][-.${word}]*`;
  return {
    ref: new RegExp(`^${fragment}(?:/${fragment})*$`, flags),
    fragment: new RegExp(`^${fragment}$`, flags),
    refspec: new RegExp(`^(?:(${fragment}):)?(${fragment}(?:/${fragment})*)$`, flags),
  };
}

const plain = patterns('A-Za-z0-9_', '');
let wide: ReturnType<typeof patterns> | undefined;

/** Letters and digits of any script, as GRegex takes `\\w`. Patterns with those take a millisecond to make. */
function patternsFor(text: string): ReturnType<typeof patterns> {
  if (!/[^\0-\x7f]/.test(text)) return plain;
  wide ??= patterns('\\p{L}\\p{N}_', 'u');
  return wide;
}

/** A ref name with the remote it belongs to, if any. */
export interface Refspec {
  readonly remote: string | undefined;
  readonly ref: string;
}

/** True for one component of a ref name; listings skip files with other names. */
export function isRefFragment(name: string): boolean {
  return patternsFor(name).fragment.test(name);
}

export function isRefName(name: string): boolean {
  return patternsFor(name).ref.test(name);
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
  const match = patternsFor(refspec).refspec.exec(refspec);
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
