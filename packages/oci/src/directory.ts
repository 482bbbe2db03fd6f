// skopeo's `dir:` form of one image: manifest.json, a version file and the blobs by the hex digits of their digests.
import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, readFile, replaceFile } from '@coppice/linux';
import { digestHex, digestOf } from './digest.ts';
import { type Descriptor, documentLimit } from './manifest.ts';
import { readBlobFile } from './read-blob.ts';
import type { ImageSource, ImageTarget } from './source.ts';

const versionText = 'Directory Transport Version: 1.1\n';

export class ImageDirectory implements ImageSource, ImageTarget {
  readonly path: string;
  readonly #fs: FileSystem;

  private constructor(path: string, fs: FileSystem) {
    this.path = path;
    this.#fs = fs;
  }

  /** Throws `NotFound` when there is no image. */
  static open(path: string, fs: FileSystem = hostFs): ImageDirectory {
    if (fs.stat(`${path}/manifest.json`) === undefined) throw new CoppiceError('NotFound', `${path}: holds no image`);
    return new ImageDirectory(path, fs);
  }

  /** A directory for a new image. Throws `Exists` when there is something else in it. */
  static create(path: string, fs: FileSystem = hostFs): ImageDirectory {
    if (fs.stat(path) === undefined) fs.mkdir(path, 0o755);
    else if (fs.stat(`${path}/version`) === undefined && fs.readdir(path).length > 0)
      throw new CoppiceError('Exists', `${path}: is not empty and holds no image`);
    replaceFile(`${path}/version`, Buffer.from(versionText), { fs });
    return new ImageDirectory(path, fs);
  }

  /** `reference` is a digest, of the manifest or of one that an index names; anything else means the image itself. */
  async manifest(reference: string): Promise<{ bytes: Uint8Array; digest: string }> {
    const read = (name: string): Buffer => readFile(`${this.path}/${name}`, { fs: this.#fs, limit: documentLimit });
    const bytes = read('manifest.json');
    const digest = digestOf(bytes);
    if (!reference.startsWith('sha256:') || reference === digest) return { bytes, digest };
    const name = `${digestHex(reference)}.manifest.json`;
    if (this.#fs.stat(`${this.path}/${name}`) === undefined)
      throw new CoppiceError('NotFound', `${this.path}: no manifest ${reference}`);
    const other = read(name);
    if (digestOf(other) !== reference)
      throw new CoppiceError('Corrupt', `${this.path}/${name}: content does not match its name`);
    return { bytes: other, digest: reference };
  }

  blob(descriptor: Descriptor): AsyncGenerator<Uint8Array> {
    return readBlobFile(this.#fs, `${this.path}/${digestHex(descriptor.digest)}`);
  }

  async hasBlob(digest: string): Promise<boolean> {
    return this.#fs.stat(`${this.path}/${digestHex(digest)}`) !== undefined;
  }

  async putBlob(descriptor: Pick<Descriptor, 'digest' | 'size'>, bytes: Uint8Array): Promise<void> {
    if (digestOf(bytes) !== descriptor.digest) throw new CoppiceError('Bug', 'blob does not match its digest');
    replaceFile(`${this.path}/${digestHex(descriptor.digest)}`, bytes, { fs: this.#fs });
  }

  async putManifest(_reference: string, bytes: Uint8Array): Promise<void> {
    replaceFile(`${this.path}/manifest.json`, bytes, { fs: this.#fs });
  }
}
