import { checksumBytes } from '../codec/checksum.ts';
import type { FileHeader } from '../codec/file-header.ts';
import type { ObjectType } from '../codec/object-type.ts';
import { encodeVarint } from '../codec/varint.ts';
import { encodeXattrs, type Xattr } from '../codec/xattrs.ts';
import { encodePayload } from './part.ts';
import type { RollsumMatch } from './rollsum.ts';
import type { DeltaObject } from './superblock.ts';

/** Puts one part together: objects with the operations that make them. */
export class PartBuilder {
  readonly objects: DeltaObject[] = [];
  uncompressedSize = 0;
  readonly #modes: { uid: number; gid: number; mode: number }[] = [];
  readonly #modeIndex = new Map<string, number>();
  readonly #xattrs: (readonly Xattr[])[] = [];
  readonly #xattrIndex = new Map<string, number>();
  #blob: Uint8Array[] = [];
  #blobSize = 0;
  readonly #operations: number[] = [];

  /** About how large the payload is. */
  get estimate(): number {
    return this.#blobSize + this.#operations.length;
  }

  #op(code: string, ...numbers: number[]): void {
    this.#operations.push(code.charCodeAt(0));
    for (const n of numbers) this.#operations.push(...encodeVarint(n));
  }

  #append(bytes: Uint8Array): number {
    const offset = this.#blobSize;
    this.#blob.push(bytes);
    this.#blobSize += bytes.length;
    return offset;
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
    this.#op('S', bytes.length, this.#append(bytes));
  }

  /** A whole file, or a symlink with its target as bytes. */
  file(checksum: string, header: FileHeader, bytes: Uint8Array): void {
    this.#begin('file', checksum, bytes.length);
    this.#op('S', this.#mode(header), this.#attributes(header), bytes.length, this.#append(bytes));
  }

  bsdiff(checksum: string, header: FileHeader, size: number, from: string, patch: Uint8Array): void {
    this.#begin('file', checksum, size);
    this.#op('r', this.#append(checksumBytes(from)));
    this.#op('o', this.#mode(header), this.#attributes(header), size);
    this.#op('B', this.#append(patch), patch.length);
    this.#op('c');
    this.#op('R');
  }

  /** Runs of the old file where `matches` say so, the new file's own bytes between them. */
  rollsum(
    checksum: string,
    header: FileHeader,
    fresh: Uint8Array,
    from: string,
    matches: readonly RollsumMatch[],
  ): void {
    this.#begin('file', checksum, fresh.length);
    const source = this.#append(checksumBytes(from));
    this.#op('o', this.#mode(header), this.#attributes(header), fresh.length);
    let reading = false;
    let at = 0;
    const own = (end: number): void => {
      if (end <= at) return;
      if (reading) this.#op('R');
      reading = false;
      this.#op('w', end - at, this.#append(fresh.subarray(at, end)));
      at = end;
    };
    for (const { toOffset, fromOffset, size } of matches) {
      own(toOffset);
      if (!reading) this.#op('r', source);
      reading = true;
      this.#op('w', size, fromOffset);
      at = toOffset + size;
    }
    own(fresh.length);
    if (reading) this.#op('R');
    this.#op('c');
  }

  /** Payload bytes; the builder lets go of its own. */
  finish(): Uint8Array {
    const blob = Buffer.concat(this.#blob);
    this.#blob = [];
    return encodePayload({
      modes: this.#modes,
      xattrs: this.#xattrs,
      blob,
      operations: Uint8Array.from(this.#operations),
    });
  }
}
