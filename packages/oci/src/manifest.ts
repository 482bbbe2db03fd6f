// Manifests, indexes and image configurations (OCI image-spec 1.1; Docker's schema 2 manifests have the same shape).
import { CoppiceError, messageOf } from '@coppice/base';
import { digestHex } from './digest.ts';

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly architecture: string; readonly os: string };
}

export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Index {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly manifests: readonly Descriptor[];
}

export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly created?: string;
  readonly config?: { readonly Labels?: Readonly<Record<string, string>>; readonly Cmd?: readonly string[] };
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly string[] };
  readonly history?: readonly {
    readonly created?: string;
    readonly created_by?: string;
    readonly empty_layer?: boolean;
  }[];
}

const layerLimit = 512;
export const documentLimit = 8 * 1024 * 1024;

function object(value: unknown, what: string): Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new CoppiceError('Invalid', `${what}: not an object`);
  return value as Record<string, unknown>;
}

function parseJson(bytes: Uint8Array, what: string): Record<string, unknown> {
  if (bytes.length > documentLimit) throw new CoppiceError('Limit', `${what}: larger than ${documentLimit} bytes`);
  try {
    return object(JSON.parse(Buffer.from(bytes).toString()), what);
  } catch (error) {
    throw new CoppiceError('Invalid', `${what}: ${messageOf(error)}`, { cause: error });
  }
}

/** Names and texts, or nothing. Throws `Invalid`. */
function texts(value: unknown, what: string): void {
  if (value === undefined || value === null) return;
  for (const text of Object.values(object(value, what)))
    if (typeof text !== 'string') throw new CoppiceError('Invalid', `${what}: not a map of strings`);
}

function descriptor(value: unknown, what: string): Descriptor {
  const d = object(value, what);
  if (
    typeof d['mediaType'] !== 'string' ||
    typeof d['digest'] !== 'string' ||
    !Number.isSafeInteger(d['size']) ||
    (d['size'] as number) < 0
  )
    throw new CoppiceError('Invalid', `${what}: malformed descriptor`);
  digestHex(d['digest']);
  texts(d['annotations'], `${what}: annotations`);
  if (d['platform'] !== undefined) object(d['platform'], `${what}: platform`);
  return d as unknown as Descriptor;
}

/** Either document; `mediaType` decides, or the members where it is missing. Throws `Invalid`. */
export function parseManifest(
  bytes: Uint8Array,
): { readonly kind: 'manifest'; readonly manifest: Manifest } | { readonly kind: 'index'; readonly index: Index } {
  const value = parseJson(bytes, 'manifest');
  if (value['schemaVersion'] !== 2) throw new CoppiceError('Unsupported', 'manifest: unsupported schema version');
  if (Array.isArray(value['manifests'])) {
    value['manifests'].forEach((m, i) => {
      descriptor(m, `manifests[${i}]`);
    });
    return { kind: 'index', index: value as unknown as Index };
  }
  texts(value['annotations'], 'manifest: annotations');
  if (!Array.isArray(value['layers'])) throw new CoppiceError('Invalid', 'manifest: no layers');
  if (value['layers'].length > layerLimit) throw new CoppiceError('Limit', `manifest: more than ${layerLimit} layers`);
  descriptor(value['config'], 'config');
  value['layers'].forEach((l, i) => {
    descriptor(l, `layers[${i}]`);
  });
  return { kind: 'manifest', manifest: value as unknown as Manifest };
}

/** Throws `Invalid` without the list of layers. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const value = parseJson(bytes, 'image configuration');
  const rootfs = object(value['rootfs'], 'rootfs');
  const ids = rootfs['diff_ids'];
  if (!Array.isArray(ids) || !ids.every((d) => typeof d === 'string'))
    throw new CoppiceError('Invalid', 'image configuration: no diff_ids');
  for (const id of ids) digestHex(id);
  const { config, created } = value;
  if (config !== undefined && config !== null)
    texts(object(config, 'image configuration: config')['Labels'], 'image configuration: Labels');
  if (created !== undefined && typeof created !== 'string')
    throw new CoppiceError('Invalid', 'image configuration: malformed time');
  return value as unknown as ImageConfig;
}

/** JSON as it is stored: no white space, keys in the order given. */
export function encodeDocument(value: Manifest | Index | ImageConfig): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

const architectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  ppc64: 'ppc64le',
  s390x: 's390x',
};

/** OCI's name of this machine's architecture. */
export const machineArchitecture: string = architectures[process.arch] ?? process.arch;

/** The manifest of an index for this machine. Throws `NotFound`. */
export function chooseManifest(index: Index, architecture = machineArchitecture): Descriptor {
  const found = index.manifests.find(
    (m) => m.platform === undefined || (m.platform.architecture === architecture && m.platform.os === 'linux'),
  );
  if (found === undefined) throw new CoppiceError('NotFound', `no image for linux/${architecture} in the index`);
  return found;
}
