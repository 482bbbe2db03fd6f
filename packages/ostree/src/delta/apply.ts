import { CoppiceError } from '@coppice/base';
import { sha256 } from '../codec/checksum.ts';
import type { Transaction } from '../store/transaction.ts';
import { decodePayload, type PartPayload, uncompressPart, uncompressPartAside } from './part.ts';
import { PartMachine, type PartTarget, payloadSlack } from './part-machine.ts';
import type { PayloadRooms } from './payload-rooms.ts';
import type { DeltaPartHeader } from './superblock.ts';

/** Larger payloads are not held in memory, whatever the superblock says. */
const maxPayload = 1024 * 1024 * 1024;

/** Checks version and checksum of a part and undoes its compression. */
export function openPart(header: DeltaPartHeader, bytes: Uint8Array): PartPayload {
  checkPart(header, bytes);
  return decodePayload(uncompressPart(bytes, payloadLimit(header)));
}

/** A payload and the memory that it is in. */
export interface OpenedPart {
  readonly payload: PartPayload;
  readonly bytes: Uint8Array;
}

/** As `openPart`, with the compression undone off the main thread where that is possible. */
export async function openPartAside(
  header: DeltaPartHeader,
  file: Uint8Array,
  rooms: PayloadRooms,
): Promise<OpenedPart> {
  checkPart(header, file);
  const bytes = await uncompressPartAside(file, payloadLimit(header), (size) => rooms.take(size));
  return { payload: decodePayload(bytes), bytes };
}

function payloadLimit(header: DeltaPartHeader): number {
  return Math.min(2 * header.uncompressedSize + payloadSlack, maxPayload);
}

function checkPart(header: DeltaPartHeader, bytes: Uint8Array): void {
  if (header.version > 0) throw new CoppiceError('Unsupported', `Delta part has too new version ${header.version}`);
  const actual = sha256(bytes);
  if (actual === header.checksum) return;
  throw new CoppiceError(
    'Corrupt',
    `Checksum mismatch in static delta part; expected=${header.checksum} actual=${actual}`,
  );
}

/** What makes a part's objects in a transaction. */
export function partTarget(transaction: Transaction): PartTarget {
  const { repo } = transaction;
  return {
    fs: repo.fs,
    canPatch: repo.mode !== 'archive',
    has: (type, checksum) => repo.hasObject(type, checksum),
    find: (checksum) => repo.findObject('file', checksum)?.path,
    writeContent: (header, source, checksum) => transaction.writeContent(header, source, checksum),
    writeMetadata: (type, bytes, checksum) => transaction.writeMetadata(type, bytes, checksum),
  };
}

/** Carries out a part: every object in its header's list is made and checked. Throws `Corrupt`. */
export function applyPart(transaction: Transaction, header: DeltaPartHeader, payload: PartPayload): void {
  new PartMachine(partTarget(transaction), header, payload).run();
}
