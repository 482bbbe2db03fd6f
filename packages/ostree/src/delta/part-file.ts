import { createHash } from 'node:crypto';
import type { FileSystem } from '@coppice/base/fs';
import { readFile } from '@coppice/linux';
import { openTemporary } from './blob-file.ts';
import type { PartBuilder } from './part-builder.ts';
import type { DeltaPartHeader } from './superblock.ts';
import { xzEncode } from './xz-encoder.ts';

/** A part that is compressed into a file of its own, which gets its name when the whole delta is there. */
export class PartFile {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly header: DeltaPartHeader;

  private constructor(fs: FileSystem, path: string, header: DeltaPartHeader) {
    this.#fs = fs;
    this.#path = path;
    this.header = header;
  }

  /** Writes `x` and the xz container of the payload into `folder`, and makes it durable. The builder is closed. */
  static async write(
    fs: FileSystem,
    folder: string,
    builder: PartBuilder,
    options: { readonly dictionary: number; readonly durable: boolean },
  ): Promise<PartFile> {
    const { objects, uncompressedSize } = builder;
    try {
      const { path, fd } = openTemporary(fs, folder);
      try {
        const digest = createHash('sha256');
        let size = 0;
        const write = (bytes: Uint8Array): void => {
          digest.update(bytes);
          size += bytes.length;
          fs.write(fd, bytes, 0, bytes.length, null);
        };
        try {
          write(Uint8Array.of(0x78));
          await xzEncode(builder.payload(), options.dictionary, write);
          fs.fchmod(fd, 0o644);
          if (options.durable) fs.fsync(fd);
        } finally {
          fs.close(fd);
        }
        return new PartFile(fs, path, { version: 0, checksum: digest.digest('hex'), size, uncompressedSize, objects });
      } catch (error) {
        fs.unlink(path);
        throw error;
      }
    } finally {
      builder.close();
    }
  }

  /** The compressed bytes. */
  read(): Buffer {
    return readFile(this.#path, { fs: this.#fs, limit: this.header.size });
  }

  /** Gives the file its name, which must be in the same file system. */
  rename(path: string): void {
    this.#fs.rename(this.#path, path);
  }

  /** Removes the file if it has no name yet. */
  discard(): void {
    if (this.#fs.lstat(this.#path) !== undefined) this.#fs.unlink(this.#path);
  }
}
