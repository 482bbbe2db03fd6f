// @coppice/oci: container images: manifests, layouts on disk, registries.

// Names and digests.
export { digestHex, digestOf } from './digest.ts';
export type { ImageReference } from './reference.ts';
export { formatImageReference, parseImageReference } from './reference.ts';
// Documents.
export type { Descriptor, ImageConfig, Index, Manifest } from './manifest.ts';
export {
  chooseManifest,
  documentLimit,
  encodeDocument,
  machineArchitecture,
  mediaTypes,
  parseImageConfig,
  parseManifest,
} from './manifest.ts';
export type { ResolvedManifest } from './resolve.ts';
export { readImageConfig, resolveManifest } from './resolve.ts';
// Stores.
export { packOciArchive, unpackOciArchive } from './archive.ts';
export { ImageDirectory } from './directory.ts';
export { OciLayout } from './layout.ts';
export type { AuthFile, RegistryCredentials } from './auth-file.ts';
export { credentialsFor, parseAuthFile, parseHelperAnswer } from './auth-file.ts';
export { certificatesFor } from './certs-d.ts';
export type { RegistryOptions } from './registry.ts';
export { Registry } from './registry.ts';
export type { ImageSource, ImageTarget } from './source.ts';
// Which images may be used: containers-policy.json, simple signing and sigstore signatures.
export type { PolicyCheck } from './policy/check.ts';
export { checkPolicy, readKeyFile, readRegistriesD } from './policy/check.ts';
export type { ImageLocation } from './policy/location.ts';
export type { Policy, PolicyRequirement, SignedIdentity } from './policy/policy.ts';
export { acceptsAnythingByDefault, parsePolicy, requirementsFor } from './policy/policy.ts';
export type { SignatureStorage } from './policy/registries-d.ts';
export { parseRegistriesD } from './policy/registries-d.ts';
