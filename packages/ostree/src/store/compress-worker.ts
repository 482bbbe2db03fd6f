// The second thread, for compressing and writing: takes slots in order until told to quit. Runs without an event loop turn, on shared memory only.
import { createHash } from 'node:crypto';
import { linkSync, readSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { isCoppiceError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import { takeArchivedOrder } from './archived-order.ts';
import { ArchivedWriter } from './archived-writer.ts';
import { type SlotMemory, slotCount, slotKind, slotState, slotViews, word, wordsPerSlot } from './compress-slots.ts';
import { takeFileOrder, writeWholeFile } from './file-attributes.ts';
import { OrderHasher } from './hash-orders.ts';
import { eachLink } from './link-orders.ts';
import { PackedContent } from './packed-content.ts';

const { control, input, output } = slotViews(workerData as SlotMemory);
let packer: PackedContent | undefined;
let piece: Buffer | undefined;
let hasher: OrderHasher | undefined;
const archived = new ArchivedWriter(hostFs);

function packerOf(level: number): PackedContent {
  if (packer?.level !== level) packer = new PackedContent(level);
  return packer;
}

/** One file into another; the output is the digest of header and content, then two u64: content and stored size. */
function compressFile(slot: number, base: number): void {
  piece ??= Buffer.allocUnsafeSlow(1024 * 1024);
  const source = control[base + word.source]!;
  const target = control[base + word.target]!;
  const digest = createHash('sha256').update(input[slot]!.subarray(0, control[base + word.input]!));
  const deflate = packerOf(control[base + word.level]!).deflater;
  let stored = control[base + word.start]!;
  const put = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length; )
      done += writeSync(target, bytes, done, bytes.length - done, stored + done);
    stored += bytes.length;
  };
  deflate.start();
  let size = 0;
  for (;;) {
    const n = readSync(source, piece, 0, piece.length, size);
    if (n === 0) break;
    size += n;
    const bytes = piece.subarray(0, n);
    digest.update(bytes);
    deflate.write(bytes, put);
  }
  deflate.finish(put);
  digest.digest().copy(output[slot]!, 0);
  output[slot]!.writeBigUInt64LE(BigInt(size), 32);
  output[slot]!.writeBigUInt64LE(BigInt(stored), 40);
  control[base + word.output] = 48;
}

/** Makes the files that the input asks for, up to the first that fails; the output is how many were made. */
function writeFiles(slot: number, base: number): void {
  const orders = input[slot]!;
  let made = 0;
  try {
    for (let at = 0; at < control[base + word.input]!; made++) {
      const { order, end } = takeFileOrder(orders, at);
      const { path, attributes, content, packed } = order;
      const bytes = packed === undefined ? content : packerOf(packed.level).withHead(packed.head, content);
      writeWholeFile(hostFs, { path, attributes, content: bytes });
      at = end;
    }
  } finally {
    control[base + word.made] = made;
  }
  control[base + word.output] = 0;
}

/** Stores the objects that the input asks for; the output has a 1 for each that is stored. */
function storeArchived(slot: number, base: number): void {
  const bytes = input[slot]!;
  let count = 0;
  for (let at = 0; at < control[base + word.input]!; count++) {
    const { order, end } = takeArchivedOrder(bytes, at);
    at = end;
    output[slot]![count] = 1;
    try {
      archived.write(order);
    } catch {
      // The thread that gave the order tries itself, and tells what is wrong.
      output[slot]![count] = 0;
    }
  }
  control[base + word.output] = count;
}

/** Makes the links that the input asks for; the output has a 1 for each that is there. */
function makeLinks(slot: number, base: number): void {
  let count = 0;
  eachLink(input[slot]!.subarray(0, control[base + word.input]!), (from, to) => {
    output[slot]![count] = 1;
    try {
      linkSync(from, to);
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') output[slot]![count] = 0;
    }
    count++;
  });
  control[base + word.output] = count;
}

/** Hashes the files that the input names. */
function hashFiles(slot: number, base: number): void {
  hasher ??= new OrderHasher(hostFs);
  const orders = input[slot]!.subarray(0, control[base + word.input]!);
  control[base + word.output] = hasher.answer(orders, output[slot]!);
}

for (let slot = 0; ; slot = (slot + 1) % slotCount) {
  const base = slot * wordsPerSlot;
  let state = Atomics.load(control, base + word.state);
  while (state !== slotState.queued && state !== slotState.quit) {
    Atomics.wait(control, base + word.state, state);
    state = Atomics.load(control, base + word.state);
  }
  if (state === slotState.quit) break;
  control[base + word.failed] = 0;
  try {
    const kind = control[base + word.kind];
    if (kind === slotKind.descriptors) compressFile(slot, base);
    else if (kind === slotKind.archived) storeArchived(slot, base);
    else if (kind === slotKind.links) makeLinks(slot, base);
    else if (kind === slotKind.hashes) hashFiles(slot, base);
    else writeFiles(slot, base);
  } catch (error) {
    const errno = isCoppiceError(error) ? error.data['errno'] : (error as { code?: string }).code;
    const text = Buffer.from(String(errno ?? (error as Error).message)).subarray(0, 200);
    text.copy(output[slot]!, 0);
    control[base + word.output] = text.length;
    control[base + word.failed] = 1;
  }
  Atomics.store(control, base + word.state, slotState.done);
  Atomics.notify(control, base + word.state);
}
