// The memory that a compressing thread shares with its owner: a ring of slots, each a few control words, an input and an
// output area. The owner fills slots in order and takes results in the same order; the thread follows.

export const slotCount = 6;
/** Contents up to this size travel in a slot; larger ones as a pair of descriptors. */
export const slotInput = 1024 * 1024;
/** Deflate stores what it cannot shrink with 5 bytes for every block, of 8 KiB at least. */
export const slotOutput = slotInput + 4096;

export const slotState = { free: 0, queued: 1, done: 2, quit: 3 } as const;
/** Compress a file into another; write files (see file-attributes.ts); store objects (see archived-order.ts); link them (see link-orders.ts); hash files (see hash-orders.ts). */
export const slotKind = { descriptors: 1, files: 2, archived: 3, links: 4, hashes: 5 } as const;

/** Control words of a slot. */
export const word = {
  state: 0,
  kind: 1,
  /** Bytes of input; of the file header, for descriptors. */
  input: 2,
  level: 3,
  /** Bytes of output. */
  output: 4,
  failed: 5,
  source: 6,
  target: 7,
  /** Offset where compressed bytes start, in the target (or, to inflate, the source) file. */
  start: 8,
  /** Files written. */
  made: 9,
} as const;
export const wordsPerSlot = 16;

export interface SlotMemory {
  readonly control: SharedArrayBuffer;
  readonly data: SharedArrayBuffer;
}

export function newSlotMemory(): SlotMemory {
  return {
    control: new SharedArrayBuffer(slotCount * wordsPerSlot * 4),
    data: new SharedArrayBuffer(slotCount * (slotInput + slotOutput)),
  };
}

export function slotViews(memory: SlotMemory): { control: Int32Array; input: Buffer[]; output: Buffer[] } {
  const input: Buffer[] = [];
  const output: Buffer[] = [];
  for (let i = 0; i < slotCount; i++) {
    const at = i * (slotInput + slotOutput);
    input.push(Buffer.from(memory.data, at, slotInput));
    output.push(Buffer.from(memory.data, at + slotInput, slotOutput));
  }
  return { control: new Int32Array(memory.control), input, output };
}
