// The objects in a layer of an encapsulated commit, checked on their way into a repository.
import { createHash } from 'node:crypto';
import { readTar, type TarEntry } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import { decodeXattrs, type FileHeader, type Transaction, type Xattr } from '@coppice/ostree';
import { S_IFLNK, S_IFREG } from '../tree/image-tree.ts';

/** Reads one layer's objects into the transaction. */
export class LayerReader {
  readonly #txn: Transaction;
  readonly #xattrs = new Map<string, readonly Xattr[]>();
  readonly #links = new Map<string, string>();
  readonly files = new Set<string>();
  /** The commit object in this layer, if any. */
  commit: string | undefined;

  constructor(txn: Transaction) {
    this.#txn = txn;
  }

  #object(entry: TarEntry): { readonly checksum: string; readonly suffix: string } | undefined {
    const match = /^(?:\.\/)?sysroot\/ostree\/repo\/objects\/([0-9a-f]{2})\/([0-9a-f]{62})\.([a-z-]+)$/.exec(
      entry.path,
    );
    return match === null ? undefined : { checksum: match[1]! + match[2]!, suffix: match[3]! };
  }

  #bytes(entry: TarEntry, limit: number): Buffer {
    if (entry.size > limit) throw new CoppiceError('Limit', `${entry.path}: ${entry.size} bytes`);
    return Buffer.concat(Array.from(entry.data(), (c) => Buffer.from(c)));
  }

  read(chunks: Iterable<Uint8Array>): void {
    for (const entry of readTar(chunks)) {
      const object = this.#object(entry);
      if (object === undefined) continue;
      const { checksum, suffix } = object;
      switch (suffix) {
        case 'commit':
        case 'dirtree':
        case 'dirmeta':
          this.#txn.writeMetadata(suffix, this.#bytes(entry, 128 << 20), checksum);
          if (suffix === 'commit') this.commit = checksum;
          break;
        case 'commitmeta':
          this.#txn.setDetachedMetadataBytes(checksum, this.#bytes(entry, 16 << 20));
          break;
        case 'file-xattrs': {
          const bytes = this.#bytes(entry, 4 << 20);
          if (createHash('sha256').update(bytes).digest('hex') !== checksum)
            throw new CoppiceError('Corrupt', `${entry.path}: content does not match its name`);
          this.#xattrs.set(checksum, decodeXattrs(bytes, 0, bytes.length, 'file-xattrs'));
          break;
        }
        case 'file-xattrs-link': {
          const target = /([0-9a-f]{2})\/([0-9a-f]{62})\.file-xattrs$/.exec(entry.linkTarget);
          if (entry.type !== 'hardlink' || target === null)
            throw new CoppiceError('Corrupt', `${entry.path}: not a link to attributes`);
          this.#links.set(checksum, target[1]! + target[2]!);
          break;
        }
        case 'file':
          this.#file(entry, checksum);
          break;
      }
    }
  }

  #file(entry: TarEntry, checksum: string): void {
    const name = this.#links.get(checksum);
    const xattrs = name === undefined ? [] : this.#xattrs.get(name);
    if (xattrs === undefined) throw new CoppiceError('Corrupt', `${entry.path}: its attributes are not in the layer`);
    const link = entry.type === 'symlink';
    if (!link && entry.type !== 'file') throw new CoppiceError('Corrupt', `${entry.path}: neither file nor link`);
    const header: FileHeader = {
      uid: entry.uid,
      gid: entry.gid,
      mode: (link ? S_IFLNK : S_IFREG) | (link ? 0o777 : entry.mode & 0o7777),
      symlinkTarget: link ? entry.linkTarget : '',
      xattrs,
    };
    this.#txn.writeContent(header, link ? new Uint8Array(0) : entry.data(), checksum);
    this.files.add(checksum);
  }
}
