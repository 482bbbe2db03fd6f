// @coppice/oci: container images: manifests, layouts on disk, registries.

// Names and digests.
export { digestHex, digestOf } from './digest.ts';
export type { ImageReference } from './reference.ts';
export { formatImageReference, parseImageReference } from './reference.ts';
// Documents.
export type { Descriptor, ImageConfig, Index, Manifest } from './manifest.ts';
export {
  chooseManifest,
  encodeDocument,
  machineArchitecture,
  mediaTypes,
  parseImageConfig,
  parseManifest,
} from './manifest.ts';
// Stores.
export { OciLayout } from './layout.ts';
export type { RegistryOptions } from './registry.ts';
export { Registry } from './registry.ts';
export type { ImageSource, ImageTarget } from './source.ts';
