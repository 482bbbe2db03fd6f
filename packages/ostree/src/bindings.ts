import { CoppiceError } from '@coppice/base';
import type { VariantDict } from '@coppice/gvariant';

/**
 * Checks that a commit's metadata bind it to the ref (and collection) it was found under. A commit without bindings is
 * refused only where a collection is expected. Throws `Invalid` with libostree's words.
 */
export function verifyBindings(metadata: VariantDict, ref: string | undefined, collection: string | undefined): void {
  if (ref !== undefined) {
    const refs = metadata.lookupStrings('ostree.ref-binding');
    if (refs === undefined) {
      if (collection === undefined) return;
      throw new CoppiceError('Invalid', 'Expected commit metadata to have ref binding information, found none');
    }
    if (!refs.includes(ref)) {
      throw new CoppiceError(
        'Invalid',
        `Commit has no requested ref ‘${ref}’ in ref binding metadata (${refs.map((r) => `‘${r}’`).join(', ')})`,
      );
    }
  }
  if (collection !== undefined) {
    const bound = metadata.lookupString('ostree.collection-binding');
    if (bound === undefined) {
      throw new CoppiceError(
        'Invalid',
        'Expected commit metadata to have collection ID binding information, found none',
      );
    }
    if (bound !== collection) {
      throw new CoppiceError(
        'Invalid',
        `Commit has collection ID ‘${bound}’ in collection binding metadata, while the remote it came from has collection ID ‘${collection}’`,
      );
    }
  }
}
