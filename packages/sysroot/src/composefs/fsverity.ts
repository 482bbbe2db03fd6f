// The digest that fs-verity of the kernel measures: SHA-256, blocks of 4096 bytes, no salt.

import { createHash, type Hash } from 'node:crypto';

const blockSize = 4096;

/** Fed with a file's bytes in pieces of any length. */
export class FsVerity {
  #size = 0;
  /** Hashes of each level, gathered until they fill a block; the last level has the fewest. */
  readonly #levels: { block: Buffer; used: number; blocks: number }[] = [];
  #hash: Hash = createHash('sha256');
  #inBlock = 0;

  update(data: Uint8Array): this {
    this.#size += data.length;
    for (let at = 0; at < data.length; ) {
      const end = Math.min(data.length, at + blockSize - this.#inBlock);
      this.#hash.update(data.subarray(at, end));
      this.#inBlock += end - at;
      at = end;
      if (this.#inBlock === blockSize) this.#closeBlock();
    }
    return this;
  }

  #closeBlock(): void {
    if (this.#inBlock < blockSize) this.#hash.update(Buffer.alloc(blockSize - this.#inBlock));
    this.#add(0, this.#hash.digest());
    this.#hash = createHash('sha256');
    this.#inBlock = 0;
  }

  #add(depth: number, hash: Uint8Array): void {
    this.#levels[depth] ??= { block: Buffer.alloc(blockSize), used: 0, blocks: 0 };
    const level = this.#levels[depth];
    // A full block is passed up only when more follows: a single full block of hashes is not the root yet, but the last.
    if (level.used === blockSize) this.#passUp(depth);
    level.block.set(hash, level.used);
    level.used += hash.length;
  }

  #passUp(depth: number): void {
    const level = this.#levels[depth]!;
    const hash = createHash('sha256').update(level.block).digest();
    level.block.fill(0);
    level.used = 0;
    level.blocks += 1;
    this.#add(depth + 1, hash);
  }

  #root(): Uint8Array {
    if (this.#size === 0) return Buffer.alloc(32);
    if (this.#inBlock > 0) this.#closeBlock();
    for (let depth = 0; ; depth++) {
      const level = this.#levels[depth]!;
      if (level.blocks === 0 && level.used === 32) return level.block.subarray(0, 32);
      this.#passUp(depth);
    }
  }

  /** The digest; nothing may be added afterwards. */
  digest(): Buffer {
    const descriptor = Buffer.alloc(256);
    descriptor.writeUInt8(1, 0);
    descriptor.writeUInt8(1, 1);
    descriptor.writeUInt8(12, 2);
    descriptor.writeBigUInt64LE(BigInt(this.#size), 8);
    descriptor.set(this.#root(), 16);
    return createHash('sha256').update(descriptor).digest();
  }
}
