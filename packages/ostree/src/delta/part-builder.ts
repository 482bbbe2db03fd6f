import { checksumBytes } from '../codec/checksum.ts';
import type { FileHeader } from '../codec/file-header.ts';
import type { ObjectType } from '../codec/object-type.ts';
import { encodeVarint } from '../codec/varint.ts';
import { encodeXattrs, type Xattr } from '../codec/xattrs.ts';
import type { BlobFile } from './blob-file.ts';
import type { PatchSink } from './bsdiff.ts';
import type { ReadableFile } from './bsdiff-file.ts';
import { payloadFrame } from './part.ts';
import type { RollsumMatch } from './rollsum.ts';
import type { DeltaObject } from './superblock.ts';

/** Puts one part together: objects with the operations that make them, their bytes in a file. */
export class PartBuilder {
  readonly objects: DeltaObject[] = [];
  uncompressedSize = 0;
  readonly #modes: { uid: number; gid: number; mode: number }[] = [];
  readonly #modeIndex = new Map<string, number>();
  readonly #xattrs: (readonly Xattr[])[] = [];
  readonly #xattrIndex = new Map<string, number>();
  readonly #blob: BlobFile;
  readonly #operations: number[] = [];
  /** Whether patches are among the bytes. */
  patched = false;

  constructor(blob: BlobFile) {
    this.#blob = blob;
  }

  /** About how large the payload is. */
  get estimate(): number {
    return this.#blob.size + this.#operations.length;
  }

  #op(code: string, ...numbers: number[]): void {
    this.#operations.push(code.charCodeAt(0));
    for (const n of numbers) this.#operations.push(...encodeVarint(n));
  }

  #mode(header: FileHeader): number {
    const key = `${header.uid} ${header.gid} ${header.mode}`;
    let index = this.#modeIndex.get(key);
    if (index === undefined) {
      index = this.#modes.length;
      this.#modes.push({ uid: header.uid, gid: header.gid, mode: header.mode });
      this.#modeIndex.set(key, index);
    }
    return index;
  }

  #attributes(header: FileHeader): number {
    const key = Buffer.from(encodeXattrs(header.xattrs)).toString('latin1');
    let index = this.#xattrIndex.get(key);
    if (index === undefined) {
      index = this.#xattrs.length;
      this.#xattrs.push(header.xattrs);
      this.#xattrIndex.set(key, index);
    }
    return index;
  }

  #begin(type: ObjectType, checksum: string, size: number): void {
    this.objects.push({ type, checksum });
    this.uncompressedSize += size;
  }

  metadata(type: ObjectType, checksum: string, bytes: Uint8Array): void {
    this.#begin(type, checksum, bytes.length);
    this.#op('S', bytes.length, this.#blob.append(bytes));
  }

  /** A whole file, or a symlink with its target as bytes. */
  file(checksum: string, header: FileHeader, size: number, bytes: Iterable<Uint8Array>): void {
    this.#begin('file', checksum, size);
    this.#op('S', this.#mode(header), this.#attributes(header), size, this.#blob.size);
    for (const piece of bytes) this.#blob.append(piece);
  }

  /** `make` gives the patch to the sink and returns its length. */
  bsdiff(checksum: string, header: FileHeader, size: number, from: string, make: (sink: PatchSink) => number): void {
    this.#begin('file', checksum, size);
    this.#op('r', this.#blob.append(checksumBytes(from)));
    this.#op('o', this.#mode(header), this.#attributes(header), size);
    const offset = this.#blob.size;
    this.#op(
      'B',
      offset,
      make((bytes) => this.#blob.append(bytes)),
    );
    this.#op('c');
    this.#op('R');
    this.patched = true;
  }

  /** Runs of the old file where `matches` say so, the new file's own bytes between them. */
  rollsum(
    checksum: string,
    header: FileHeader,
    fresh: ReadableFile,
    from: string,
    matches: readonly RollsumMatch[],
  ): void {
    this.#begin('file', checksum, fresh.size);
    const source = this.#blob.append(checksumBytes(from));
    this.#op('o', this.#mode(header), this.#attributes(header), fresh.size);
    let reading = false;
    let at = 0;
    const bytes = this.#blob.size;
    let own = 0;
    const ownUntil = (end: number): void => {
      if (end <= at) return;
      if (reading) this.#op('R');
      reading = false;
      this.#op('w', end - at, bytes + own);
      own += end - at;
      at = end;
    };
    for (const { toOffset, fromOffset, size } of matches) {
      ownUntil(toOffset);
      if (!reading) this.#op('r', source);
      reading = true;
      this.#op('w', size, fromOffset);
      at = toOffset + size;
    }
    ownUntil(fresh.size);
    if (reading) this.#op('R');
    this.#op('c');
    this.#appendOutside(fresh, matches);
  }

  /** The bytes of a file that no match covers. */
  #appendOutside(fresh: ReadableFile, matches: readonly RollsumMatch[]): void {
    let at = 0;
    let next = 0;
    for (const piece of fresh.read()) {
      const start = at;
      const end = start + piece.length;
      while (at < end) {
        const match = matches[next];
        if (match === undefined || match.toOffset > at) {
          const stop = Math.min(end, match?.toOffset ?? end);
          this.#blob.append(piece.subarray(at - start, stop - start));
          at = stop;
        } else {
          at = Math.min(end, match.toOffset + match.size);
          if (at === match.toOffset + match.size) next++;
        }
      }
    }
  }

  /** The payload's bytes in pieces, each valid until the next is taken. */
  *payload(): Generator<Uint8Array> {
    const { head, tail } = payloadFrame(
      { modes: this.#modes, xattrs: this.#xattrs, operations: Uint8Array.from(this.#operations) },
      this.#blob.size,
    );
    yield head;
    yield* this.#blob.read();
    yield tail;
  }

  /** Lets go of the bytes. */
  close(): void {
    this.#blob.close();
  }
}
