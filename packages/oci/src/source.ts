import type { Descriptor } from './manifest.ts';

/** Where images are read from: a layout on disk or a registry. */
export interface ImageSource {
  /** Manifest or index by tag or digest. Throws `NotFound`. */
  manifest(reference: string): Promise<{ readonly bytes: Uint8Array; readonly digest: string }>;
  /** Bytes of a blob, checked against digest and size by `readBlob`. */
  blob(descriptor: Descriptor): AsyncIterable<Uint8Array>;
}

/** Where images are written to. */
export interface ImageTarget {
  hasBlob(digest: string): Promise<boolean>;
  putBlob(descriptor: Pick<Descriptor, 'digest' | 'size'>, bytes: Uint8Array): Promise<void>;
  putManifest(reference: string, bytes: Uint8Array, mediaType: string): Promise<void>;
}
