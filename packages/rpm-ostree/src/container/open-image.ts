// From an image reference to where it is read or written.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import {
  ImageDirectory,
  type ImageSource,
  type ImageTarget,
  OciLayout,
  packOciArchive,
  parseImageReference,
  Registry,
  unpackOciArchive,
} from '@coppice/oci';
import type { ContainerReference } from '../refspec.ts';
import { copyImage, engineTransport, passedReference } from './engine-storage.ts';
import { type RegistryAccess, registryOptions } from './registry-access.ts';

export type ImageStore = ImageSource & ImageTarget;
type Place = Pick<ContainerReference, 'transport' | 'name'>;

/** `PATH[:NAME]` of layouts and archives. */
function splitName(text: string): { readonly path: string; readonly reference: string } {
  const colon = text.lastIndexOf(':');
  return colon > 0 ? { path: text.slice(0, colon), reference: text.slice(colon + 1) } : { path: text, reference: '' };
}

function unsupported(image: Place): CoppiceError {
  return new CoppiceError(
    'Unsupported',
    `not built yet: images over ${image.transport}: (registry, docker://, oci, oci-archive, dir and containers-storage work)`,
  );
}

/**
 * Opens an image for reading. `scratch` is a directory of the caller's, which archives are unpacked into.
 * Throws `NotFound`, `Invalid`, `Unsupported` for transports that nothing here reads.
 */
export function openImage(
  image: Place,
  scratch: string,
  access?: RegistryAccess,
): { readonly store: ImageSource; readonly reference: string } {
  switch (image.transport) {
    case 'registry': {
      const ref = parseImageReference(image.name);
      return { store: new Registry(ref, registryOptions(ref, access)), reference: ref.digest ?? ref.tag ?? 'latest' };
    }
    case 'oci': {
      const { path, reference } = splitName(image.name);
      return { store: OciLayout.open(path), reference };
    }
    case 'oci-archive': {
      const { path, reference } = splitName(image.name);
      return { store: unpackOciArchive(path, join(scratch, 'archive')), reference };
    }
    case 'dir':
      return { store: ImageDirectory.open(image.name), reference: '' };
    case engineTransport: {
      const layout = join(scratch, 'engine');
      mkdirSync(scratch, { recursive: true, mode: 0o700 });
      copyImage(`${engineTransport}:${image.name}`, `oci:${layout}:${passedReference}`, access?.env);
      return { store: OciLayout.open(layout), reference: passedReference };
    }
    default:
      throw unsupported(image);
  }
}

/** Writes an image: `write` fills the store, after which an archive is put together. Throws as `openImage` does. */
export async function writeImage<T>(
  image: Place,
  scratch: string,
  write: (store: ImageTarget, reference: string) => Promise<T>,
  access?: RegistryAccess,
): Promise<T> {
  switch (image.transport) {
    case 'registry': {
      const ref = parseImageReference(image.name);
      return await write(new Registry(ref, registryOptions(ref, access)), ref.digest ?? ref.tag ?? 'latest');
    }
    case 'oci': {
      const { path, reference } = splitName(image.name);
      return await write(OciLayout.create(path), reference);
    }
    case 'oci-archive': {
      const { path, reference } = splitName(image.name);
      const dir = join(scratch, 'archive');
      mkdirSync(scratch, { recursive: true, mode: 0o700 });
      removeTree(dir);
      try {
        const layout = OciLayout.create(dir);
        const result = await write(layout, reference);
        packOciArchive(layout, path);
        return result;
      } finally {
        removeTree(dir);
      }
    }
    case 'dir':
      return await write(ImageDirectory.create(image.name), '');
    case engineTransport: {
      const dir = join(scratch, 'engine');
      mkdirSync(scratch, { recursive: true, mode: 0o700 });
      removeTree(dir);
      try {
        const result = await write(OciLayout.create(dir), passedReference);
        copyImage(`oci:${dir}:${passedReference}`, `${engineTransport}:${image.name}`, access?.env);
        return result;
      } finally {
        removeTree(dir);
      }
    }
    default:
      throw unsupported(image);
  }
}
