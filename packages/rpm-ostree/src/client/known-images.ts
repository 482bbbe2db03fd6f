// Digests of the composefs images that this system made, so that a deployment of a commit that another one has takes over its
// image.
import type { KnownImages } from '@coppice/sysroot';
import type { Client } from './client.ts';
import { Remembered } from './remembered.ts';

export function knownImages(client: Client): KnownImages {
  const images = new Remembered(client, 'images.json');
  return { digestOf: (key) => images.get(key), remember: (key, digest) => images.set(key, digest) };
}
