import { CoppiceError } from '@coppice/base';
import { checksumBytes } from './checksum.ts';
import { arrayElements, asBuffer, notNormal, offsetWidth, readString, tupleOffsets, writeOffset } from './framing.ts';

/** The parts of a commit object, metadata still as bytes of `a{sv}`. */
export interface CommitParts {
  readonly metadata: Uint8Array;
  readonly parent: string | undefined;
  readonly subject: string;
  readonly body: string;
  /** Seconds since the epoch, UTC. */
  readonly timestamp: bigint;
  /** Root dirtree checksum. */
  readonly tree: string;
  /** Root dirmeta checksum. */
  readonly meta: string;
}

/** GVariant `(a{sv}aya(say)sstayay)`; the timestamp is big-endian, related objects are always empty. */
export function encodeCommit(commit: CommitParts): Buffer {
  const subject = Buffer.from(`${commit.subject}\0`);
  const body = Buffer.from(`${commit.body}\0`);
  if (subject.indexOf(0) !== subject.length - 1 || body.indexOf(0) !== body.length - 1) {
    throw new CoppiceError('Invalid', 'NUL in commit subject or body');
  }
  const parent = commit.parent === undefined ? Buffer.alloc(0) : checksumBytes(commit.parent);
  const metadataEnd = commit.metadata.length;
  const parentEnd = metadataEnd + parent.length;
  const subjectEnd = parentEnd + subject.length;
  const bodyEnd = subjectEnd + body.length;
  const time = Math.ceil(bodyEnd / 8) * 8;
  const end = time + 8 + 64;
  const width = offsetWidth(end, 6);
  const out = Buffer.alloc(end + 6 * width);
  out.set(commit.metadata, 0);
  out.set(parent, metadataEnd);
  out.set(subject, parentEnd);
  out.set(body, subjectEnd);
  out.writeBigUInt64BE(BigInt.asUintN(64, commit.timestamp), time);
  out.set(checksumBytes(commit.tree), time + 8);
  out.set(checksumBytes(commit.meta), time + 40);
  [time + 40, bodyEnd, subjectEnd, parentEnd, parentEnd, metadataEnd].forEach((value, i) => {
    writeOffset(out, end + i * width, width, value);
  });
  return out;
}

/** Reads a commit object; throws `Corrupt` unless it is normal form. The metadata is a view, still to be decoded. */
export function decodeCommit(source: Uint8Array): CommitParts {
  const what = 'commit';
  const bytes = asBuffer(source);
  const [metadataEnd, parentEnd, relatedEnd, subjectEnd, bodyEnd, treeEnd] = tupleOffsets(
    bytes,
    0,
    bytes.length,
    6,
    what,
  ) as [number, number, number, number, number, number];
  const width = bytes.length <= 0xff ? 1 : bytes.length <= 0xffff ? 2 : 4;
  const metaEnd = bytes.length - 6 * width;
  const time = Math.ceil(bodyEnd / 8) * 8;
  if (time + 8 > treeEnd) throw notNormal(what);
  for (let i = bodyEnd; i < time; i++) if (bytes[i] !== 0) throw notNormal(what);
  // Related objects: written empty by everyone, read as an array of (say) all the same.
  let from = parentEnd;
  for (const to of arrayElements(bytes, parentEnd, relatedEnd, what)) {
    const [nameEnd] = tupleOffsets(bytes, from, to, 1, what) as [number];
    readString(bytes, from, nameEnd, what);
    from = to;
  }
  return {
    metadata: bytes.subarray(0, metadataEnd),
    parent: parentEnd === metadataEnd ? undefined : hex(bytes, metadataEnd, parentEnd),
    subject: readString(bytes, relatedEnd, subjectEnd, what),
    body: readString(bytes, subjectEnd, bodyEnd, what),
    timestamp: bytes.readBigUInt64BE(time),
    tree: hex(bytes, time + 8, treeEnd),
    meta: hex(bytes, treeEnd, metaEnd),
  };
}

function hex(bytes: Buffer, start: number, end: number): string {
  if (end - start !== 32) throw new CoppiceError('Corrupt', `Invalid checksum of length ${end - start} expected 32`);
  return bytes.toString('hex', start, end);
}
