// From an image reference to where it is read or written.
import { CoppiceError } from '@coppice/base';
import { type ImageSource, type ImageTarget, OciLayout, parseImageReference, Registry } from '@coppice/oci';
import type { ContainerReference } from '../refspec.ts';

/** `registry` and `oci` images. Throws `Unsupported` for other transports. */
export function openImage(
  image: Pick<ContainerReference, 'transport' | 'name'>,
  create = false,
): { readonly store: ImageSource & ImageTarget; readonly reference: string } {
  switch (image.transport) {
    case 'registry': {
      const ref = parseImageReference(image.name);
      return { store: new Registry(ref), reference: ref.digest ?? ref.tag ?? 'latest' };
    }
    case 'oci': {
      const colon = image.name.lastIndexOf(':');
      const path = colon > 0 ? image.name.slice(0, colon) : image.name;
      return {
        store: create ? OciLayout.create(path) : OciLayout.open(path),
        reference: colon > 0 ? image.name.slice(colon + 1) : '',
      };
    }
    default:
      throw new CoppiceError('Unsupported', `not built yet: images over ${image.transport}:`);
  }
}
