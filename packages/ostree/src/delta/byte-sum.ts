// Adding bytes to bytes, sixteen at a time. A patch is added to the old file byte by byte, so that there is as much to add as
// there is in the new files; only as WebAssembly is that fast from the first call on.

/** Where the operands lie: bytes and the numbers of their places in them are the same for all three. */
export interface SummingMemory {
  /** All of it; another one after `grow`. */
  readonly bytes: Buffer;
  /** Makes it so large at least. */
  grow(size: number): void;
  /** `bytes[to..] = bytes[a..] + bytes[b..]`, each byte for itself. */
  add(to: number, a: number, b: number, length: number): void;
}

const pageSize = 64 * 1024;
const [i32, v128] = [0x7f, 0xfd];
const [block, loop, end, branch, branchIf, empty] = [0x02, 0x03, 0x0b, 0x0c, 0x0d, 0x40];
const [get, set, constant, isZero, isLess, plus, minus] = [0x20, 0x21, 0x41, 0x45, 0x49, 0x6a, 0x6b];
const [loadByte, storeByte, loadVector, storeVector, addVector] = [0x2d, 0x3a, 0x00, 0x0b, 0x6e];
const [to, a, b, length] = [0, 1, 2, 3];
/** No alignment, no offset. */
const anywhere = [0, 0];

/** Moves on to the next `step` bytes and repeats the loop. */
const next = (step: number): number[] => [
  ...[to, a, b].flatMap((place) => [get, place, constant, step, plus, set, place]),
  ...[get, length, constant, step, minus, set, length],
  ...[branch, 0, end, end],
];

const code = [
  0,
  ...[block, empty, loop, empty, get, length, constant, 16, isLess, branchIf, 1],
  ...[get, to, get, a, v128, loadVector, ...anywhere, get, b, v128, loadVector, ...anywhere],
  ...[v128, addVector, v128, storeVector, ...anywhere],
  ...next(16),
  ...[block, empty, loop, empty, get, length, isZero, branchIf, 1],
  ...[get, to, get, a, loadByte, ...anywhere, get, b, loadByte, ...anywhere, plus, storeByte, ...anywhere],
  ...next(1),
  end,
];

/** Lengths are below 128 or take two bytes (LEB128). */
const sized = (bytes: readonly number[]): number[] =>
  bytes.length < 128 ? [bytes.length, ...bytes] : [(bytes.length & 127) | 128, bytes.length >> 7, ...bytes];
const section = (id: number, ...bytes: readonly number[]): number[] => [id, ...sized(bytes)];

/** WebAssembly 2.0, section 5.5: a function of four numbers, on the memory `m.m`, named `f`. */
const moduleBytes = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, 1, 0x60, 4, i32, i32, i32, i32, 0),
  ...section(2, 1, 1, 0x6d, 1, 0x6d, 2, 0, 1),
  ...section(3, 1, 0),
  ...section(7, 1, 1, 0x66, 0, 0),
  ...section(10, 1, ...sized(code)),
]);

interface EngineMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): void;
}

/** What is used of the engine's interface, for which there are no types without those of a browser. */
interface Engine {
  readonly Memory: new (size: { readonly initial: number }) => EngineMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
}

/** Memory of at least so many bytes; without `vectors`, as where the engine or the processor has none. */
export function summingMemory(size: number, vectors = true): SummingMemory {
  if (vectors) {
    try {
      return new VectorMemory(size, (globalThis as unknown as { readonly WebAssembly: Engine }).WebAssembly);
    } catch {
      // Neither the compiler nor the instructions are everywhere.
    }
  }
  return new PlainMemory(size);
}

class VectorMemory implements SummingMemory {
  readonly #memory: EngineMemory;
  readonly add: SummingMemory['add'];
  bytes: Buffer;

  constructor(size: number, { Memory, Module, Instance }: Engine) {
    this.#memory = new Memory({ initial: Math.max(1, Math.ceil(size / pageSize)) });
    const made = new Instance(new Module(moduleBytes), { m: { m: this.#memory } });
    this.add = made.exports['f'] as SummingMemory['add'];
    this.bytes = Buffer.from(this.#memory.buffer);
  }

  grow(size: number): void {
    const missing = Math.ceil((size - this.bytes.length) / pageSize);
    if (missing <= 0) return;
    this.#memory.grow(missing);
    this.bytes = Buffer.from(this.#memory.buffer);
  }
}

class PlainMemory implements SummingMemory {
  bytes: Buffer;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  grow(size: number): void {
    if (size > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(size);
  }

  add(to: number, a: number, b: number, length: number): void {
    const { bytes } = this;
    for (let i = 0; i < length; i++) bytes[to + i] = bytes[a + i]! + bytes[b + i]!;
  }
}
