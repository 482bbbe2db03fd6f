// An OCI image layout: a directory with oci-layout, index.json and blobs/sha256.
import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, readFile, replaceFile } from '@coppice/linux';
import { digestHex, digestOf } from './digest.ts';
import { type Descriptor, documentLimit, encodeDocument, type Index, mediaTypes, parseManifest } from './manifest.ts';
import { readBlobFile } from './read-blob.ts';
import type { ImageSource, ImageTarget } from './source.ts';

const tagKey = 'org.opencontainers.image.ref.name';

export class OciLayout implements ImageSource, ImageTarget {
  readonly path: string;
  readonly #fs: FileSystem;

  private constructor(path: string, fs: FileSystem) {
    this.path = path;
    this.#fs = fs;
  }

  /** Throws `NotFound` when there is no layout. */
  static open(path: string, fs: FileSystem = hostFs): OciLayout {
    if (fs.stat(`${path}/oci-layout`) === undefined)
      throw new CoppiceError('NotFound', `${path}: not an OCI image layout`);
    return new OciLayout(path, fs);
  }

  /** Opens the layout, making an empty one where there is nothing. */
  static create(path: string, fs: FileSystem = hostFs): OciLayout {
    if (fs.stat(`${path}/oci-layout`) === undefined) {
      for (const dir of [path, `${path}/blobs`, `${path}/blobs/sha256`])
        if (fs.stat(dir) === undefined) fs.mkdir(dir, 0o755);
      replaceFile(
        `${path}/index.json`,
        encodeDocument({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] }),
        { fs },
      );
      replaceFile(`${path}/oci-layout`, Buffer.from('{"imageLayoutVersion":"1.0.0"}'), { fs });
    }
    return new OciLayout(path, fs);
  }

  #blobPath(digest: string): string {
    return `${this.path}/blobs/sha256/${digestHex(digest)}`;
  }

  index(): Index {
    const parsed = parseManifest(readFile(`${this.path}/index.json`, { fs: this.#fs, limit: documentLimit }));
    if (parsed.kind !== 'index') throw new CoppiceError('Invalid', `${this.path}/index.json: not an index`);
    return parsed.index;
  }

  async manifest(reference: string): Promise<{ bytes: Uint8Array; digest: string }> {
    const { manifests } = this.index();
    const found = reference.startsWith('sha256:')
      ? reference
      : (
          manifests.find((m) => m.annotations?.[tagKey] === reference) ??
          (reference === '' && manifests.length === 1 ? manifests[0] : undefined)
        )?.digest;
    if (found === undefined)
      throw new CoppiceError('NotFound', `no image ${JSON.stringify(reference)} in ${this.path}`);
    const bytes = readFile(this.#blobPath(found), { fs: this.#fs, limit: documentLimit });
    if (digestOf(bytes) !== found)
      throw new CoppiceError('Corrupt', `${this.#blobPath(found)}: content does not match its name`);
    return { bytes, digest: found };
  }

  blob(descriptor: Descriptor): AsyncGenerator<Uint8Array> {
    return readBlobFile(this.#fs, this.#blobPath(descriptor.digest));
  }

  async hasBlob(digest: string): Promise<boolean> {
    return this.#fs.stat(this.#blobPath(digest)) !== undefined;
  }

  async putBlob(descriptor: Pick<Descriptor, 'digest' | 'size'>, bytes: Uint8Array): Promise<void> {
    if (digestOf(bytes) !== descriptor.digest) throw new CoppiceError('Bug', 'blob does not match its digest');
    replaceFile(this.#blobPath(descriptor.digest), bytes, { fs: this.#fs });
  }

  async putManifest(reference: string, bytes: Uint8Array, mediaType: string): Promise<void> {
    const digest = digestOf(bytes);
    await this.putBlob({ digest, size: bytes.length }, bytes);
    const entry: Descriptor = {
      mediaType,
      digest,
      size: bytes.length,
      ...(reference === '' ? {} : { annotations: { [tagKey]: reference } }),
    };
    const others = this.index().manifests.filter((m) => (m.annotations?.[tagKey] ?? '') !== reference);
    replaceFile(
      `${this.path}/index.json`,
      encodeDocument({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...others, entry] }),
      { fs: this.#fs },
    );
  }
}
